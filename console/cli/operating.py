"""run and rebuild: keeping a ledger going, and making its tables again."""

from __future__ import annotations

import signal
from typing import Annotated

import typer

from console.cli.options import Dir, Dsn, Json, PassphraseFile, place
from console.output import Answer, give, say
from console.rebuilding import rebuild as rebuild_tables
from console.wiring import now_us, open_ledger
from consumers.halves import Round
from ledger.workdays import instant_text


def register(app: typer.Typer) -> None:
    """Adds these commands."""
    app.command()(run)
    app.command()(rebuild)


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
    accept_clock: Annotated[
        bool,
        typer.Option(
            "--accept-clock",
            help="The clock is right although the last seal or PostgreSQL disagrees.",
        ),
    ] = False,
    directory: Dir = None,
    dsn: Dsn = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> int:
    """Runs sealer and projector, so that other commands need not; stop with Ctrl-C."""
    stop, total, busy = Stop(), 0, 0
    settings = place(directory, dsn, passphrase_file)
    with open_ledger(settings, accept_clock=accept_clock) as ledger:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop.ask)
        # Opening it applies what the log says is destroyed, now and from now on.
        ledger.key_store  # noqa: B018 - opened for its effect

        def told(done: Round) -> None:
            nonlocal total, busy
            if count := done.projected:
                total, busy = total + count, busy + 1
                say(f"{instant_text(now_us())} projected={count} total={total}")
                stop.asked = stop.asked or busy == rounds

        say(f"running on {ledger.shown_dsn}; stop with Ctrl-C")
        ledger.engine.run(stop, told)
    document = {"projected": total}
    return give(Answer(document=document, text=f"projected {total}"), as_json=as_json)


def rebuild(
    *,
    swap: Annotated[
        bool,
        typer.Option("--swap", help="Put the new tables in place of the live ones."),
    ] = False,
    trust: Annotated[
        bool,
        typer.Option(
            "--trust-sealed-verdicts",
            help="Skip signatures that sealed verdicts vouch for; audit checks them.",
        ),
    ] = False,
    directory: Dir = None,
    dsn: Dsn = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> int:
    """Makes every derived table again from the log and compares; exit 1 if they differ."""
    with open_ledger(place(directory, dsn, passphrase_file)) as ledger:
        document = rebuild_tables(
            ledger, swap=swap, trust=trust, told=lambda n: say(f"rebuilt={n}")
        )
    lines = [f"{document['records']} records, {document['accepted']} accepted"]
    lines += [
        f"  {one['table']:<20} {'equal' if one['equal'] else one['first_difference']}"
        for one in document["tables"]
    ]
    code = 0 if document["equal"] or swap else 1
    answer = Answer(document=document, text="\n".join(lines), exit_code=code)
    return give(answer, as_json=as_json)
