"""Accepted events as the eventsourcing library meets them: all, once, in sealed order."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from eventsourcing.application import AggregateNotFoundError
from eventsourcing.domain import Aggregate
from eventsourcing.persistence import Notification, Tracking
from eventsourcing.popo import POPOTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from psycopg import Connection
from psycopg.conninfo import conninfo_to_dict
from typing_extensions import override

from consumers.accepted_event import AcceptedEvent
from consumers.eventsourcing_app import AcceptedEvents, reading
from docs.examples import licenses_per_city
from docs.examples.licenses_per_city import CityView
from ledger.errors import Malformed, Untrusted
from ledger.log.memory import MemoryLog
from ledger.sources import REGISTRY
from projections.migrate import VIEWS, use_schema
from tests.builders import World
from tests.projections.sealed import SOURCES, SealedLedger, history
from tests.sample_province import CITY, FIELDS, HOLDER, OTHER_CITY, TYPE_CODE

pytestmark = pytest.mark.postgres

DOCS = Path(__file__).parents[2] / "docs"
PATIENCE_S = 120


def moved() -> World:
    """The usual history, with every end of a license, one undone, and a second city."""
    world = history()
    for n, act in enumerate(("ANNUL", "WITHDRAW", "CANCEL", "REVOKE")):
        world.issue(f"E{n}")
        world.act(act, world.license_id(f"E{n}"))
    revoked = world.chain(world.license_id("E3")).acts[-1]
    world.act("RESTORE", world.license_id("E3"), causes=(revoked.digest,))
    for serial in ("V1", "V2"):
        world.issue(serial)
    changed = {"scope": "许可项目"}
    world.act("CHANGE", world.license_id("V2"), fields=changed)
    for serial in ("V1", "V2"):
        voided = {"version": 1}
        world.act("VOID_VERSION", world.license_id(serial), fields=voided)
    for n in range(3):
        license_id = world.license_id(f"O{n}", issuer=OTHER_CITY)
        issued = world.draft("ISSUE", license_id, fields=FIELDS)
        world.accept(world.sign(issued, "other city"))
    return world


@pytest.fixture(scope="module")
def world() -> World:
    return moved()


@pytest.fixture
def ledger(dsn: str, world: World) -> Iterator[SealedLedger]:
    made = SealedLedger(dsn, world)
    yield made
    made.close()


def application(ledger: SealedLedger) -> type[AcceptedEvents]:
    """The class that reads a ledger, over connections that cannot write."""

    def connect() -> Connection[Any]:
        conn = psycopg.connect(ledger.dsn, autocommit=True)
        conn.execute("SET default_transaction_read_only = on")
        return conn

    return reading(open_log=lambda: MemoryLog(ledger.store), connect=connect)


@pytest.fixture
def app(ledger: SealedLedger) -> Iterator[AcceptedEvents]:
    with application(ledger)() as made:
        yield made


def accepted_ids(world: World) -> list[int]:
    return [
        sent.verdict.position + 1 for sent in world.records if sent.code == "accepted"
    ]


def ids(notifications: Any) -> list[int]:
    return [notification.id for notification in notifications]


# --- what is given out


def test_all_accepted_events_come_once_in_sealed_order(
    ledger: SealedLedger, app: AcceptedEvents
) -> None:
    ledger.seal_each(3)
    assert app.recorder.max_notification_id() is None
    assert app.recorder.select_notifications(None, 1_000) == []
    ledger.settle()
    found = app.recorder.select_notifications(None, 1_000)
    # Positions here and in the world differ: three records went into each seal.
    expected = {s.data for s in ledger.world.records if s.code == "accepted"}
    assert {one.state for one in found} == expected
    assert len(found) == len(expected)
    assert ids(found) == sorted(set(ids(found)))
    refused = ledger.conn.execute(
        "SELECT position + 1 FROM audit_trail WHERE verdict <> 'accepted'"
    ).fetchall()
    assert refused
    assert not {row[0] for row in refused} & set(ids(found))
    assert app.recorder.max_notification_id() == found[-1].id


def test_a_page_has_the_bounds_and_the_topics_asked_for(
    ledger: SealedLedger, app: AcceptedEvents
) -> None:
    ledger.seal_each()
    ledger.settle()
    every = accepted_ids(ledger.world)
    select = app.recorder.select_notifications
    last = next(n for n in range(20, 40) if every[n + 1] == every[n] + 1)
    start, stop = every[5], every[last]
    assert ids(select(start, 1_000, stop)) == every[5 : last + 1]
    assert (
        ids(select(start, 1_000, stop, inclusive_of_start=False)) == every[6 : last + 1]
    )
    assert ids(select(start, 4)) == every[5:9]
    assert ids(select(0, 3, inclusive_of_start=False)) == every[:3]
    assert ids(select(every[-1], 3, inclusive_of_start=False)) == []
    revoked = select(None, 1_000, topics=["license/REVOKE", "license/CANCEL"])
    assert {one.topic for one in revoked} == {"license/REVOKE", "license/CANCEL"}
    assert len(revoked) == 6
    with pytest.raises(Malformed, match="license/ISSUE"):
        select(None, 10, topics=["consumers.accepted_event:AcceptedEvent"])
    section = app.notification_log["1,10"]
    assert ids(section.items) == every[:10]
    assert section.next_id is not None


def test_an_event_says_what_was_signed_and_keeps_closed_what_is_encrypted(
    ledger: SealedLedger, app: AcceptedEvents
) -> None:
    ledger.seal_each()
    ledger.settle()
    world, license_id = ledger.world, ledger.world.license_id("E3")
    events: list[AcceptedEvent] = list(app.events.get(license_id))  # type: ignore[arg-type]
    acts = world.chain(license_id).acts
    assert [event.act for event in events] == ["ISSUE", "REVOKE", "RESTORE"]
    assert [
        (e.originator_version, e.position, e.digest, e.event_id, e.recorded_at)
        for e in events
    ] == [(a.sequence, a.position, a.digest, a.event_id, a.recorded_at) for a in acts]
    issued, revoked, restored = events
    assert issued.license_id == issued.originator_id == license_id
    assert (issued.type_code, issued.issuer, issued.authority) == (
        TYPE_CODE,
        CITY,
        CITY,
    )
    assert [holder.code for holder in issued.holders] == [HOLDER]
    assert issued.fields["scope"] == FIELDS["scope"]
    assert isinstance(issued.fields["name"], bytes)
    assert restored.causes == (revoked.digest,)
    assert [e.act for e in app.events.get(license_id, gt=1, desc=True)] == [  # type: ignore[attr-defined]
        "RESTORE",
        "REVOKE",
    ]
    assert [e.act for e in app.events.get(license_id, lte=2, limit=1)] == ["ISSUE"]  # type: ignore[attr-defined]
    assert list(app.events.get(world.license_id("NONE"))) == []
    with pytest.raises(AggregateNotFoundError):
        app.repository.get(world.license_id("NONE"))


def test_every_write_is_refused_and_says_why(
    ledger: SealedLedger, app: AcceptedEvents
) -> None:
    ledger.seal_each()
    ledger.settle()
    before = ledger.digests()
    with pytest.raises(Malformed, match="read only"):
        app.recorder.insert_events([])
    with pytest.raises(Malformed, match="read only"):
        app.save(Aggregate())  # type: ignore[arg-type]
    with pytest.raises(Malformed, match="read only"):
        app.save()
    assert ledger.digests() == before


def test_another_record_in_the_place_of_a_sealed_one_is_not_given_out(
    ledger: SealedLedger, app: AcceptedEvents
) -> None:
    ledger.seal_each()
    ledger.settle()
    held = ledger.store.records[REGISTRY]
    held[3], held[4] = held[4], held[3]
    with pytest.raises(Untrusted, match="registry, record 3"):
        app.recorder.select_notifications(None, 1_000)
    held[3], held[4] = held[4], held[3]
    del held[-1]
    with pytest.raises(Untrusted, match="does not hold"):
        app.recorder.select_notifications(None, 1_000)


# --- up to where


def test_no_id_is_given_out_while_a_lower_one_may_still_come(
    ledger: SealedLedger, app: AcceptedEvents
) -> None:
    seed = random.randrange(2**32)
    print("seed", seed)  # noqa: T201
    chance = random.Random(seed)
    projectors = [ledger.projector((source,), records_max=2) for source in SOURCES]
    first, *records = ledger.world.records
    ledger.append([first])  # the founding: before it nobody can project
    ledger.seal()
    given: list[Notification] = []
    while records or len(given) < len(accepted_ids(ledger.world)):
        if records and chance.random() < 0.4:
            size = chance.randrange(1, 6)
            ledger.append(records[:size])
            del records[:size]
            ledger.seal()
        else:
            chance.choice(projectors).step()
        reached = given[-1].id if given else 0
        page = app.recorder.select_notifications(reached + 1, 1_000)
        given += page
        # Whatever was below it when it was given out is all there ever is.
        again = app.recorder.select_notifications(1, 1_000)
        assert ids(again) == ids(given)


def test_idle_sources_hold_nothing_back(
    ledger: SealedLedger, app: AcceptedEvents
) -> None:
    *records, last = ledger.world.records
    for sent in records:
        ledger.append([sent])
        ledger.seal()
    ledger.settle()
    before = app.recorder.max_notification_id()
    ledger.append([last])
    ledger.seal()
    assert app.recorder.max_notification_id() == before
    owner = ledger.projector((last.source,))
    while owner.step():
        pass
    assert app.recorder.max_notification_id() == accepted_ids(ledger.world)[-1]


def test_it_goes_on_from_the_start_when_the_tables_were_emptied(
    ledger: SealedLedger, app: AcceptedEvents
) -> None:
    ledger.seal_each()
    ledger.settle()
    every = accepted_ids(ledger.world)
    assert app.recorder.max_notification_id() == every[-1]
    ledger.empty_views()
    assert app.recorder.max_notification_id() is None
    owner = ledger.projector((REGISTRY,))
    while owner.step():
        pass
    given = ids(app.recorder.select_notifications(None, 1_000))
    assert 0 < len(given) < len(every)
    assert given == every[: len(given)]
    ledger.settle()
    assert ids(app.recorder.select_notifications(None, 1_000)) == every


# --- subscriptions


def test_a_subscription_yields_what_is_there_and_what_comes(
    ledger: SealedLedger, app: AcceptedEvents
) -> None:
    every = accepted_ids(ledger.world)
    records = ledger.world.records
    half = len(records) // 2
    for sent in records[:half]:
        ledger.append([sent])
        ledger.seal()
    projector = ledger.projector()
    ledger.settle(projector)
    found: list[int] = []
    enough = threading.Event()

    def follow() -> None:
        with app.recorder.subscribe(gt=every[2]) as subscription:
            for notification in subscription:
                found.append(notification.id)
                if notification.id == every[-1]:
                    enough.set()

    thread = threading.Thread(target=follow)
    thread.start()
    for sent in records[half:]:
        ledger.append([sent])
        ledger.seal()
        projector.step()
    ledger.settle(projector)
    assert enough.wait(PATIENCE_S)
    app.close()
    thread.join(PATIENCE_S)
    assert not thread.is_alive()
    assert found == every[3:]


class _DeafLog(MemoryLog):
    """Hears of no append: all notifications are lost."""

    waits = 0

    @override
    def wait(self, timeout_s: float) -> None:
        type(self).waits += 1
        assert timeout_s <= 1
        threading.Event().wait(0.01)


def test_lost_notifications_cost_a_wait_and_no_event(ledger: SealedLedger) -> None:
    _DeafLog.waits = 0
    made = reading(
        open_log=lambda: _DeafLog(ledger.store),
        connect=lambda: psycopg.connect(ledger.dsn, autocommit=True),
    )
    with made() as app:
        subscription = app.recorder.subscribe()
        found: list[int] = []

        def follow() -> None:
            found.extend(one.id for one in subscription)

        thread = threading.Thread(target=follow)
        thread.start()
        while not _DeafLog.waits:
            threading.Event().wait(0.01)
        ledger.seal_each()
        ledger.settle()
        every = accepted_ids(ledger.world)
        while len(found) < len(every) and thread.is_alive():
            threading.Event().wait(0.01)
        subscription.stop()
        thread.join(PATIENCE_S)
        assert not thread.is_alive()
        assert found == every
        assert list(subscription) == []


# --- the library's runner


class _Seen(POPOTrackingRecorder):
    """Keeps what came, in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.positions: list[int] = []

    def saw(self, event: AcceptedEvent, tracking: Tracking) -> None:
        with self._database_lock:
            self._assert_tracking_uniqueness(tracking)
            self._insert_tracking(tracking)
            self.positions.append(event.position)


class _All(Projection[_Seen]):
    """Every event, without a filter."""

    @override
    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        assert isinstance(domain_event, AcceptedEvent)
        self.view.saw(domain_event, tracking)


def test_an_ordinary_projection_in_memory_sees_every_event(
    ledger: SealedLedger,
) -> None:
    ledger.seal_each(4)
    ledger.settle()
    with ProjectionRunner(
        application_class=application(ledger), projection_class=_All, view_class=_Seen
    ) as runner:
        last = runner.app.recorder.max_notification_id()
        runner.wait(last, timeout=PATIENCE_S)
        expected = ids(runner.app.recorder.select_notifications(None, 1_000))
        assert [position + 1 for position in runner.view.positions] == expected


class _Broken(_All):
    """Fails at one event."""

    @override
    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        raise ZeroDivisionError


def test_what_a_projection_raises_ends_its_runner_and_leaves_no_connection(
    ledger: SealedLedger,
) -> None:
    ledger.seal_each(4)
    ledger.settle()
    runner = ProjectionRunner(
        application_class=application(ledger),
        projection_class=_Broken,
        view_class=_Seen,
    )
    with pytest.raises(ZeroDivisionError), runner:
        runner.run_forever(timeout=PATIENCE_S)
    subscription = runner.app.recorder._subscriptions[0]
    assert subscription._closed


# --- the example


def own_counts(ledger: SealedLedger) -> dict[tuple[str, str], int]:
    """What the ledger's own table says of licenses that no act has ended."""
    with psycopg.connect(ledger.dsn, autocommit=True) as conn:
        use_schema(conn, VIEWS)
        rows = conn.execute(
            "SELECT substr(issuer, 3, 4) || '00', type_code, count(*) FROM license "
            "WHERE terminal = '' GROUP BY 1, 2"
        ).fetchall()
    return {(city, code): count for city, code, count in rows}


@pytest.fixture
def env(dsn: str) -> dict[str, str]:
    """The department's database, here a schema beside the ledger's."""
    parts = conninfo_to_dict(dsn)
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute("CREATE SCHEMA department")
    return {
        "POSTGRES_DBNAME": str(parts["dbname"]),
        "POSTGRES_HOST": str(parts.get("host", "")),
        "POSTGRES_PORT": str(parts.get("port", "")),
        "POSTGRES_USER": str(parts.get("user", "")),
        "POSTGRES_PASSWORD": str(parts.get("password", "")),
        "POSTGRES_SCHEMA": "department",
    }


@contextmanager
def running(
    ledger: SealedLedger, env: dict[str, str]
) -> Iterator[ProjectionRunner[AcceptedEvents, CityView]]:
    """The example's runner; the library leaves the view's connections open."""
    with licenses_per_city.run(application(ledger), env) as runner:
        yield runner
    runner.view.datastore.close()


def last_of_topics(app: AcceptedEvents) -> int:
    topics = licenses_per_city.LicensesPerCity.topics
    return app.recorder.select_notifications(None, 100_000, topics=topics)[-1].id


def test_the_example_counts_what_the_ledger_counts(
    ledger: SealedLedger, env: dict[str, str]
) -> None:
    ledger.seal_each(5)
    ledger.settle()
    with running(ledger, env) as runner:
        runner.wait(last_of_topics(runner.app), timeout=PATIENCE_S)
        assert runner.view.in_force() == own_counts(ledger)
        assert own_counts(ledger)[("210200", TYPE_CODE)] == 3
        assert own_counts(ledger)[("210100", TYPE_CODE)] > 3


def test_the_example_goes_on_where_it_stopped_beside_a_projector_that_goes_on(
    ledger: SealedLedger, env: dict[str, str]
) -> None:
    records = ledger.world.records
    projectors = [ledger.projector((source,)) for source in SOURCES]
    taken: list[int] = []
    third = len(records) // 3 + 1
    for start in range(0, len(records), third):
        with running(ledger, env) as runner:
            for sent in records[start : start + third]:
                ledger.append([sent])
                ledger.seal()
                for projector in projectors:
                    projector.step()
            while ledger.seal() or sum(one.step() for one in projectors):
                pass
            if start + third < len(records):
                taken.append(reached(runner.view))
                continue  # stopped wherever it is
            runner.wait(last_of_topics(runner.app), timeout=PATIENCE_S)
            assert runner.view.in_force() == own_counts(ledger)
            assert taken == sorted(taken)


def reached(view: CityView) -> int:
    return view.max_tracking_id(AcceptedEvents.name) or 0


# --- the page


def test_the_page_shows_the_example_as_it_is() -> None:
    page = (DOCS / "eventsourcing.md").read_text(encoding="utf-8")
    example = (DOCS / "examples" / "licenses_per_city.py").read_text(encoding="utf-8")
    assert f"```python\n{example}```\n" in page
