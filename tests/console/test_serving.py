"""A process at its work seeks what it lost, for a while."""

from __future__ import annotations

import os
import signal

import pytest

from console import serving
from console.engine import Engine
from console.ledger import Ledger
from console.serving import Stop, serve, stopping
from console.settings import settings_of
from consumers.halves import Round
from ledger.errors import Malformed, Unavailable
from tests.console.cli_ledger import CliLedger

pytestmark = pytest.mark.postgres


class _Part:
    """Fails a number of times to begin; then its engine is asked to stop."""

    def __init__(self, stop: Stop, failures: int) -> None:
        self._stop = stop
        self.left = failures
        self.opened: list[Ledger] = []

    def __call__(self, ledger: Ledger) -> Engine:
        self.opened.append(ledger)
        if self.left:
            self.left -= 1
            raise Unavailable("lost")
        return ledger.engine.only(seal=True, sources=())

    def told(self, _engine: Engine, _done: Round) -> None:
        self._stop.asked = True

    def serve(self, ledger: CliLedger) -> None:
        serve(
            settings_of(ledger.directory),
            self._stop,
            part=self,
            told=self.told,
            accept_clock=False,
            stall_after_s=60,
            as_json=False,
        )


def test_what_was_lost_is_sought_and_found_with_new_connections(
    cli_ledger: CliLedger, capsys: pytest.CaptureFixture[str]
) -> None:
    part = _Part(Stop(), failures=3)
    part.serve(cli_ledger)
    assert len({id(ledger) for ledger in part.opened}) == 4
    assert capsys.readouterr().err.count("unavailable: lost; trying again") == 3


def test_what_stays_lost_is_raised_in_the_end(
    cli_ledger: CliLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "PATIENCE_S", 0.5)
    part = _Part(Stop(), failures=1_000)
    with pytest.raises(Unavailable):
        part.serve(cli_ledger)
    assert len(part.opened) > 1


def test_what_cannot_be_opened_at_the_start_is_raised_at_once(
    cli_ledger: CliLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = _Part(Stop(), failures=0)
    for name, error in (("no-ledger", Malformed), ("ledger", Unavailable)):
        monkeypatch.setenv("LICENSE_LEDGER_DSN", "postgresql://n@127.0.0.1:9/none")
        if name == "no-ledger":
            monkeypatch.delenv("LICENSE_LEDGER_DSN")
        missing = CliLedger(
            directory=cli_ledger.directory / name, founded=cli_ledger.founded
        )
        with pytest.raises(error):
            part.serve(missing)
    assert part.opened == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_both_signals_ask_it_to_stop_and_are_given_back(number: int) -> None:
    before = signal.getsignal(number)
    with stopping() as stop:
        assert not stop.asked
        os.kill(os.getpid(), number)
        while not stop():
            signal.sigtimedwait([], 0.01)
    assert signal.getsignal(number) == before
