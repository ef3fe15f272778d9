"""A department's own view: how many licenses are in force, per city and type.

    python licenses_per_city.py LEDGER-DIRECTORY

The view lives in a database of the department's own, named by the POSTGRES_… variables
that the library reads, and goes on where it stopped.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, LiteralString

from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresDatastore, PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from psycopg.sql import SQL, Identifier
from typing_extensions import override

from console.settings import settings_of
from console.wiring import open_ledger
from consumers.accepted_event import AcceptedEvent
from consumers.eventsourcing_app import AcceptedEvents, reading

OPENING = ("ISSUE", "BASELINE", "TRANSFER_IN")
ENDING = ("CANCEL", "REVOKE", "ANNUL", "WITHDRAW", "TRANSFER_OUT", "LINK")
VERSIONS = ("CHANGE", "RENEW", "REPLACE", "REISSUE", "DOWNGRADE", "CORRECT")
ENDED_STATES = ("CANC", "REVD", "ANND", "WDRN")


class CityView(PostgresTrackingRecorder):
    """One row per license: city, type, latest version, and the acts that ended it.

    A license is in force while no act ends it. Two may: who undoes one leaves the other.
    """

    def __init__(self, datastore: PostgresDatastore, **given: Any) -> None:
        super().__init__(datastore, **given)
        self.table = Identifier(datastore.schema, "license_per_city")
        self.sql_create_statements.append(
            SQL(
                "CREATE TABLE IF NOT EXISTS {} (license_id text PRIMARY KEY, "
                "city text NOT NULL, type_code text NOT NULL, "
                "version int NOT NULL, ends bytea[] NOT NULL)"
            ).format(self.table)
        )

    def change(
        self, tracking: Tracking, statement: LiteralString, *values: object
    ) -> None:
        """One statement and the place it brings the view to, in one transaction."""
        with self.datastore.transaction(commit=True) as cursor:
            # First, so that whoever runs a second time fails before changing anything.
            self._insert_tracking(cursor, tracking)
            cursor.execute(SQL(statement).format(self.table), values)

    def in_force(self) -> dict[tuple[str, str], int]:
        """City and type code -> number of licenses in force."""
        with self.datastore.cursor() as cursor:
            cursor.execute(
                SQL(
                    "SELECT city, type_code, count(*) FROM {} "
                    "WHERE cardinality(ends) = 0 GROUP BY city, type_code"
                ).format(self.table)
            )
            return {(row["city"], row["type_code"]): row["count"] for row in cursor}


class LicensesPerCity(Projection[CityView]):
    """Adds a license when it opens, takes it off when an act ends it.

    RESTORE undoes one of these acts; VOID_VERSION ends a license that has one version
    and gets no other. An act ends a license here even if it had run out before.
    """

    name = "licenses_per_city"
    topics = tuple(
        f"license/{act}"
        for act in (*OPENING, *ENDING, *VERSIONS, "RESTORE", "VOID_VERSION")
    )

    @override
    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        """Brings the view up to one accepted event."""
        event: AcceptedEvent = domain_event
        change, license_id = self.view.change, event.license_id
        version = version_of(event)
        if event.act in OPENING:
            ended = event.fields.get("state") in ENDED_STATES
            change(
                tracking,
                "INSERT INTO {} VALUES (%s, %s, %s, %s, %s::bytea[])",
                license_id,
                city_of(event.issuer),
                event.type_code,
                version or 1,
                [event.digest] if ended else [],
            )
        elif event.act in ENDING:
            change(
                tracking,
                "UPDATE {} SET ends = ends || %s::bytea WHERE license_id = %s",
                event.digest,
                license_id,
            )
        elif event.act == "VOID_VERSION" and version is None:
            change(
                tracking,
                "UPDATE {} SET ends = ends || %s::bytea "
                "WHERE license_id = %s AND version = 1",
                event.digest,
                license_id,
            )
        else:
            undone = event.causes[0] if event.act == "RESTORE" else b""
            change(
                tracking,
                "UPDATE {} SET ends = array_remove(ends, %s::bytea), "
                "version = coalesce(%s::int, version) WHERE license_id = %s",
                undone,
                version,
                license_id,
            )


def version_of(event: AcceptedEvent) -> int | None:
    """The version that an event makes: the last part but one of its identifier."""
    identifier = event.fields.get("certificate_identifier")
    return int(identifier.split(".")[-2]) if identifier else None


def city_of(uscc: str) -> str:
    """The city in a unified social credit code: characters 3 to 6, then 00."""
    return f"{uscc[2:6]}00"


def run(
    application: type[AcceptedEvents], env: dict[str, str]
) -> ProjectionRunner[AcceptedEvents, CityView]:
    """Starts the projection behind what the view holds already."""
    return ProjectionRunner(
        application_class=application,
        projection_class=LicensesPerCity,
        view_class=CityView,
        env={"PERSISTENCE_MODULE": "eventsourcing.postgres", **env},
    )


def main(directory: str) -> None:
    """Follows the ledger in a directory until something fails or somebody ends it."""
    with open_ledger(settings_of(Path(directory))) as ledger:
        application = reading(open_log=ledger.open_log, connect=ledger.connect)
        with run(application, env={}) as runner:
            runner.run_forever()


if __name__ == "__main__":
    main(sys.argv[1])
