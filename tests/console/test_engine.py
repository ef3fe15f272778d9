"""What one process does of the work when others do the rest, and when they do not."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from console import engine
from console.engine import Engine
from console.ledger import Ledger
from console.settings import Settings, settings_of
from console.wiring import open_ledger
from consumers.halves import Round
from consumers.locks import SEALING, Locks, projecting
from ledger.drafting import Draft, HolderDraft
from ledger.errors import Unavailable
from ledger.sources import events_source, source_names
from ledger.workdays import day_start, legal_day
from tests.console.cli_ledger import BUSINESS, DEPARTMENT, CliLedger

pytestmark = pytest.mark.postgres


@pytest.fixture
def settings(cli_ledger: CliLedger) -> Settings:
    cli_ledger.json("status")  # catches up
    return settings_of(cli_ledger.directory)


@pytest.fixture
def ledger(settings: Settings) -> Iterator[Ledger]:
    with open_ledger(settings) as opened:
        yield opened


@pytest.fixture
def form(cli_ledger: CliLedger) -> Draft:
    return draft_of(cli_ledger)


def draft_of(ledger: CliLedger) -> Draft:
    """A new business licence, not yet published."""
    given = ledger.form()
    [holder] = given["holders"]
    return Draft(
        act="ISSUE",
        license_id=f"1.2.156.3005.2.{BUSINESS}.{DEPARTMENT}.{given['serial']}",
        effective_at=day_start(legal_day(1_760_000_000_000_000)),
        authority=DEPARTMENT,
        fields=given["fields"],
        holders=(HolderDraft(kind=holder["kind"], code=holder["code"]),),
    )


@contextmanager
def other(
    settings: Settings, *, seal: bool, sources: tuple[str, ...]
) -> Iterator[None]:
    """Another process's share of the work, done in a thread until the block ends."""
    stop, begun = threading.Event(), threading.Event()
    rounds: list[Round] = []
    failures: list[BaseException] = []

    def told(done: Round) -> None:
        rounds.append(done)
        begun.set()

    def work() -> None:
        try:
            with open_ledger(settings) as opened:
                part = opened.engine.only(seal=seal, sources=sources)
                part.run(stop.is_set, told)
        except BaseException as error:
            failures.append(error)
            raise
        finally:
            begun.set()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        begun.wait()
        yield
    finally:
        stop.set()
        thread.join()
    assert failures == []
    assert sum(done.sealed for done in rounds) > 0 or not seal


def test_alone_a_command_does_everything(ledger: Ledger, form: Draft) -> None:
    with ledger.engine.held() as whole:
        assert whole
        assert ledger.engine.seals
        assert ledger.engine.projects == source_names(ledger.partitions)
        assert ledger.act(form).verdict == "accepted"
    assert (ledger.engine.seals, ledger.engine.projects) == (False, ())


def test_with_a_sealer_elsewhere_it_projects(
    settings: Settings, ledger: Ledger, form: Draft
) -> None:
    with other(settings, seal=True, sources=()):
        with ledger.engine.held() as whole:
            assert not whole
            assert not ledger.engine.seals
            assert ledger.engine.projects == source_names(ledger.partitions)
        assert ledger.act(form).verdict == "accepted"


def test_with_projectors_elsewhere_it_seals(
    settings: Settings, ledger: Ledger, form: Draft
) -> None:
    with other(settings, seal=False, sources=source_names(ledger.partitions)):
        with ledger.engine.held() as whole:
            assert not whole
            assert ledger.engine.seals
            assert ledger.engine.projects == ()
        assert ledger.act(form).verdict == "accepted"


def test_of_sources_that_are_shared_out_it_takes_the_free_ones(
    settings: Settings, ledger: Ledger
) -> None:
    sources = source_names(ledger.partitions)
    with other(settings, seal=False, sources=sources[2:5]), ledger.engine.held():
        assert ledger.engine.projects == (*sources[:2], *sources[5:])
    with ledger.engine.held() as whole:
        assert whole


def test_who_does_nothing_is_named(
    ledger: Ledger, form: Draft, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "PATIENCE_S", 0.3)
    names = [projecting(source) for source in source_names(ledger.partitions)]
    with ExitStack() as stack:
        idle = Locks(ledger.connect(), names)
        stack.callback(idle.give_back)
        assert idle.take()
        with pytest.raises(Unavailable) as caught:
            ledger.act(form)
    source = caught.value.where
    assert source in {events_source(n) for n in range(ledger.partitions)}
    assert caught.value.found == f"another process projects {source}"
    ledger.catch_up()
    assert ledger.chain_of(form.license_id).license is not None


def test_a_sealer_that_does_nothing_is_named(
    ledger: Ledger, form: Draft, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "PATIENCE_S", 0.3)
    idle = Locks(ledger.connect(), [SEALING])
    assert idle.take()
    try:
        with pytest.raises(Unavailable) as caught:
            ledger.act(form)
        assert caught.value.found == "another process seals"
    finally:
        idle.give_back()
    ledger.catch_up()
    assert ledger.chain_of(form.license_id).license is not None


def test_who_is_fenced_begins_again_from_what_is_stored(
    settings: Settings, ledger: Ledger, form: Draft
) -> None:
    """Locks lost without notice: two that both believe to be alone."""
    with ledger.engine.held(), open_ledger(settings) as second:
        ledger.engine.rest()
        _lose_locks(ledger)
        assert second.act(form).verdict == "accepted"
        second.rest()
        while not ledger.engine.step().idle:
            pass
        ledger.catch_up()
    assert ledger.chain_of(form.license_id).license is not None


def _lose_locks(ledger: Ledger) -> None:
    own: Engine = ledger.engine
    for half in (own._sealing, own._projecting):
        assert half is not None
        half._locks._conn.execute("SELECT pg_advisory_unlock_all()")


def test_a_copy_is_adopted_without_sealing(ledger: Ledger, settings: Settings) -> None:
    before = ledger.head.load().tip
    ledger.engine.adopt()
    assert ledger.head.load().tip == before
    sources = source_names(ledger.partitions)[:2]
    with (
        other(settings, seal=False, sources=sources),
        pytest.raises(Unavailable),
    ):
        ledger.engine.adopt()
