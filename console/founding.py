"""``init``: founds a ledger, so that it is ready to import and act."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import schemas
from console.assembly import assemble
from console.kafka_file import SINGLE_BROKER, write_kafka_file
from console.key_ring import DEPARTMENT, ROOT, SEALER, KeyRing
from console.ledger import Ledger
from console.log_wiring import create_log, drop_log, open_log
from console.registering import Registrar
from console.settings import Settings
from console.wiring import (
    Connections,
    database,
    drop_ledger,
    holds_ledger,
    now_us,
)
from ledger.catalogue import parse_type
from ledger.checkpoint import origin_line
from ledger.drafting import Position, bare_event
from ledger.envelope import encode_event, origin_of
from ledger.errors import Malformed, Untrusted
from ledger.event_ids import draw_event_ids
from ledger.events import ZERO_ORIGIN, Event
from ledger.log.contract import EventLog
from ledger.log.head import HeadStore
from ledger.publish import RoleSigner, sign
from ledger.registry_fields import found_fields
from ledger.sources import REGISTRY, SEALS, source_names
from projections.migrate import migrate

DEPARTMENT_USCC = "11210000999990010U"
DEPARTMENT_NAME = "示范省政务服务局"
DEPARTMENT_AREA = "210000"
DEPARTMENT_ROLES = ("custodian", "definer", "publisher")
DEFAULT_NAME = "license-ledger.example"
PARTITIONS_MAX = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Founded:
    """What ``init`` made: name and origin, and what the operator should know."""

    name: str
    origin: bytes
    vkey: str
    authority: str
    types: tuple[str, ...]
    own_passphrase: bool
    changes: tuple[str, ...]


def found_ledger(
    settings: Settings,
    *,
    name: str,
    partitions: int,
    random_bytes: Callable[[int], bytes],
    told: Callable[[str], None],
    security_file: Path | None = None,
    then: Callable[[Ledger, Founded], None] = lambda _ledger, _founded: None,
) -> Founded:
    """Founds a ledger in an empty place; raises Malformed where there is one.

    ``then`` may go on with the open ledger. What a failure leaves is removed, so that
    ``init`` can be run again. ``security_file``: where the security of its Kafka stands.
    """
    _check_partitions(partitions)
    origin_line(name, ZERO_ORIGIN)  # names the trouble before anything is made
    fresh = empty_directory(settings)
    try:
        ring = KeyRing(settings)
        own_passphrase = ring.create()
        if settings.kafka is not None:
            write_kafka_file(
                settings.kafka_file, settings.kafka, security_file=security_file
            )
        told("starting PostgreSQL")
        with database(settings) as (connections, changes):
            _create_tables(settings, connections, partitions)
            try:
                told("drawing keys and signing the founding record")
                log = open_log(settings, connections)
                body = _found(log, ring, name, partitions, random_bytes)
                ledger = assemble(settings, connections, clock=now_us)
                told("registering the department and the catalogue")
                types = _furnish(ledger, ring)
                founded = Founded(
                    name=name,
                    origin=origin_of(body),
                    vkey=ledger.vkey,
                    authority=DEPARTMENT_USCC,
                    types=types,
                    own_passphrase=own_passphrase,
                    changes=changes,
                )
                ledger.rest()
            except BaseException:
                # A database of others outlives the directory: leave it as it was.
                drop_ledger(connections.open())
                drop_log(settings, [*source_names(partitions), SEALS])
                raise
            then(ledger, founded)
            ledger.rest()
            return founded
    except BaseException:
        if fresh:
            shutil.rmtree(settings.directory, ignore_errors=True)
        raise


def _check_partitions(partitions: int) -> None:
    if not 1 <= partitions <= PARTITIONS_MAX:
        raise Malformed(
            "not a number of partitions",
            code="bad_partitions",
            expected=f"1 to {PARTITIONS_MAX}",
            found=str(partitions),
            where="--partitions",
        )


def empty_directory(settings: Settings) -> bool:
    """Makes the directory; says whether it is ours to remove again."""
    folder = settings.directory
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Malformed(
            "the directory is not empty",
            code="directory_not_empty",
            expected="a new or empty directory",
            found="a ledger" if settings.keys.exists() else "other files",
            where=str(folder),
        )
    try:
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    except OSError as error:
        raise Malformed(
            "the directory cannot be made",
            code="directory_not_made",
            found=error.strerror or "",
            where=str(folder),
        ) from error
    return True


def _create_tables(
    settings: Settings, connections: Connections, partitions: int
) -> None:
    connection = connections.open()
    if holds_ledger(connection):
        raise Malformed(
            "this database holds a ledger already",
            code="ledger_exists",
            expected="a database without one",
            where="--dsn",
        )
    create_log(settings, connections, [*source_names(partitions), SEALS])
    HeadStore(connection).create()
    migrate(connections.open())


def _found(
    log: EventLog,
    ring: KeyRing,
    name: str,
    partitions: int,
    random_bytes: Callable[[int], bytes],
) -> bytes:
    """Draws root and sealer keys and appends the founding record; returns its body."""
    root = ring.draw(ROOT, purpose="root")
    sealer = ring.draw(SEALER, purpose="seal")
    ring.draw(DEPARTMENT, purpose="act", authority=DEPARTMENT_USCC)
    ring.draw_wrapping_key()
    signers = [RoleSigner(signer=ring.signer_of(pair)) for pair in (root, sealer)]
    fields = found_fields(
        name=name,
        partitions=partitions,
        root_keys=[root.public],
        quorum=1,
        sealer_key=sealer.public,
    )
    now = now_us()
    event: Event = bare_event(
        chain="registry",
        subject="ledger:",
        act="FOUND",
        origin=ZERO_ORIGIN,
        event_id=draw_event_ids(1, now_us=now, random_bytes=random_bytes)[0],
        position=Position(),
        authority="",
        effective_at=now,
        signed_at=now,
        fields={field["name"]: field["value"] for field in fields},
        signers=[one.entry for one in signers],
    )
    signed = sign(event, signers, partitions=partitions)
    log.append(REGISTRY, [signed.data])
    return encode_event(event)


def _furnish(ledger: Ledger, ring: KeyRing) -> tuple[str, ...]:
    """Registers the department, its key and the catalogue; all must be accepted."""
    registrar = Registrar(ledger, signers=ledger.root_signers(), authority="")
    registrar.authority(
        DEPARTMENT_USCC,
        name=DEPARTMENT_NAME,
        area=DEPARTMENT_AREA,
        level="province",
        roles=DEPARTMENT_ROLES,
    )
    registrar.key(ring.open_named(DEPARTMENT, purpose="act"))
    codes = schemas.names("types")
    for code in codes:
        registrar.license_type(parse_type(schemas.toml(f"types/{code}.toml")))
    for row in registrar.publish():
        if row.verdict != "accepted":
            raise Untrusted(
                "a founding record was refused",
                code="not_founded_rightly",
                found=row.verdict,
                where=str(row.subject),
            )
    ledger.create_key_store()
    return codes


def document(founded: Founded, settings: Settings) -> Mapping[str, Any]:
    """What ``init --json`` prints."""
    return {
        "dir": str(settings.directory),
        "name": founded.name,
        "origin": founded.origin.hex(),
        "vkey": founded.vkey,
        "authority": founded.authority,
        "types": list(founded.types),
        "warnings": _warnings(founded, settings),
        "changes": list(founded.changes),
    }


def _warnings(founded: Founded, settings: Settings) -> Sequence[str]:
    found: list[str] = []
    if settings.kafka is not None and settings.kafka.single_broker:
        found.append(SINGLE_BROKER)
    if founded.own_passphrase:
        found.append(
            f"no passphrase was given: one was written to {settings.own_passphrase}; "
            "whoever reads that directory can sign as this ledger"
        )
    return found
