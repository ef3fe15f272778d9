"""run: seal and project until told to stop."""

from __future__ import annotations

import signal
from typing import Annotated

import typer

from console.cli.options import Dir, Dsn, Json, PassphraseFile, place
from console.output import Answer, give, say
from console.wiring import now_us, open_ledger
from ledger.workdays import instant_text


def register(app: typer.Typer) -> None:
    """Adds this command."""
    app.command()(run)


class Stop:
    """Set by SIGTERM or SIGINT: the round under way ends first."""

    def __init__(self) -> None:
        self.asked = False

    def __call__(self) -> bool:
        """Whether to stop."""
        return self.asked

    def ask(self, _number: int, _frame: object) -> None:
        """Asks to stop; a signal handler."""
        self.asked = True


def run(
    *,
    rounds: Annotated[
        int | None,
        typer.Option("--rounds", help="Stop after so many rounds with records."),
    ] = None,
    directory: Dir = None,
    dsn: Dsn = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> int:
    """Runs sealer and projector, so that other commands need not; stop with Ctrl-C."""
    stop, total, busy = Stop(), 0, 0
    with open_ledger(place(directory, dsn, passphrase_file)) as ledger:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop.ask)
        # Opening it applies what the log says is destroyed, now and from now on.
        ledger.key_store  # noqa: B018 - opened for its effect

        def told(count: int) -> None:
            nonlocal total, busy
            if count:
                total, busy = total + count, busy + 1
                say(f"{instant_text(now_us())} projected={count} total={total}")
                stop.asked = stop.asked or busy == rounds

        say(f"running on {ledger.dsn}; stop with Ctrl-C")
        ledger.engine.run(stop, told)
    document = {"projected": total}
    return give(Answer(document=document, text=f"projected {total}"), as_json=as_json)
