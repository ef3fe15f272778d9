"""run, seal, project: keeping a ledger going; rebuild: making its tables again."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Annotated, Final

import typer

from console.cli.options import Dir, Dsn, Json, PassphraseFile, place
from console.engine import Engine
from console.ledger import Ledger
from console.output import Answer, give, say
from console.rebuilding import rebuild as rebuild_tables
from console.serving import Stop, serve, stopping
from console.settings import Settings
from console.wiring import now_us, open_ledger
from consumers.halves import Round
from ledger.errors import Malformed
from ledger.sources import REGISTRY, events_source
from ledger.workdays import instant_text

STALL_AFTER_S: Final = 60.0
_SPAN: Final = re.compile(r"([0-9]{1,4})(?:-([0-9]{1,4}))?")


def register(app: typer.Typer) -> None:
    """Adds these commands."""
    app.command()(run)
    app.command()(seal)
    app.command()(project)
    app.command()(rebuild)


StallAfter = Annotated[
    float,
    typer.Option(
        "--stall-after",
        metavar="SECONDS",
        min=0,
        help="Exit with 4 when work waits and nothing moves for so long; 0: never.",
    ),
]
AcceptClock = Annotated[
    bool,
    typer.Option(
        "--accept-clock",
        help="The clock is right although the last seal or PostgreSQL disagrees.",
    ),
]


def run(
    *,
    rounds: Annotated[
        int | None,
        typer.Option("--rounds", help="Stop after so many rounds with records."),
    ] = None,
    accept_clock: AcceptClock = False,
    stall_after: StallAfter = STALL_AFTER_S,
    directory: Dir = None,
    dsn: Dsn = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> int:
    """Runs sealer and projector, so that other commands need not; stop with Ctrl-C."""

    def part(ledger: Ledger) -> Engine:
        # Opening it applies what the log says is destroyed, now and from now on.
        ledger.key_store  # noqa: B018 - opened for its effect
        say(f"running on {ledger.shown_dsn}; stop with Ctrl-C")
        return ledger.engine

    done = _keep(
        place(directory, dsn, passphrase_file),
        part,
        rounds=rounds,
        accept_clock=accept_clock,
        stall_after_s=stall_after,
        as_json=as_json,
    )
    return _answer("projected", done.projected, as_json=as_json)


def seal(
    *,
    accept_clock: AcceptClock = False,
    stall_after: StallAfter = STALL_AFTER_S,
    directory: Dir = None,
    dsn: Dsn = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> int:
    """Seals only; stands by while another process does. Stop with Ctrl-C."""

    def part(ledger: Ledger) -> Engine:
        say(f"sealing on {ledger.shown_dsn}; stop with Ctrl-C")
        return ledger.engine.only(seal=True, sources=())

    done = _keep(
        place(directory, dsn, passphrase_file),
        part,
        accept_clock=accept_clock,
        stall_after_s=stall_after,
        as_json=as_json,
    )
    return _answer("sealed", done.sealed, as_json=as_json)


def project(
    *,
    partitions: Annotated[
        str | None,
        typer.Option(
            "--partitions",
            metavar="0-5,7",
            help="Which; the registry belongs to 0. All by default.",
            show_default=False,
        ),
    ] = None,
    stall_after: StallAfter = STALL_AFTER_S,
    directory: Dir = None,
    dsn: Dsn = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> int:
    """Projects only; stands by for partitions that others project. Stop with Ctrl-C."""

    def part(ledger: Ledger) -> Engine:
        sources = sources_of(partitions, ledger.partitions)
        say(f"projecting on {ledger.shown_dsn}; stop with Ctrl-C")
        return ledger.engine.only(seal=False, sources=sources)

    done = _keep(
        place(directory, dsn, passphrase_file),
        part,
        stall_after_s=stall_after,
        as_json=as_json,
    )
    return _answer("projected", done.projected, as_json=as_json)


def sources_of(text: str | None, partitions: int) -> list[str]:
    """The sources of partitions like ``0-5,7``, in sealed order; raises Malformed."""
    chosen = set(range(partitions))
    if text is not None:
        parts = [_SPAN.fullmatch(part) for part in text.split(",")]
        spans = [(int(m[1]), int(m[2] or m[1])) for m in parts if m]
        if len(spans) < len(parts) or any(
            not first <= last < partitions for first, last in spans
        ):
            raise Malformed(
                "not partitions of this ledger",
                code="bad_partitions",
                expected=f"numbers and spans from 0 to {partitions - 1}, like 0-5,7",
                found=text,
                where="--partitions",
            )
        chosen = {n for first, last in spans for n in range(first, last + 1)}
    registry = [REGISTRY] if 0 in chosen else []
    return [*registry, *(events_source(n) for n in sorted(chosen))]


def _keep(
    settings: Settings,
    part: Callable[[Ledger], Engine],
    *,
    rounds: int | None = None,
    accept_clock: bool = False,
    stall_after_s: float,
    as_json: bool,
) -> Round:
    """Does a part of the work until it is told to stop; returns what was done."""
    with stopping() as stop:
        teller = _Teller(stop, rounds)
        serve(
            settings,
            stop,
            part=part,
            told=teller.tell,
            accept_clock=accept_clock,
            stall_after_s=stall_after_s,
            as_json=as_json,
        )
    return teller.total


class _Teller:
    """Tells of what was done, and of what this process has taken upon itself."""

    def __init__(self, stop: Stop, rounds: int | None) -> None:
        self.total = Round()
        self._stop = stop
        self._rounds = rounds
        self._holding: tuple[Engine, str] | None = None

    def tell(self, engine: Engine, done: Round) -> None:
        """One round is over."""
        holding = engine, ",".join(_owned(engine)) or "nothing"
        if holding != self._holding:
            self._holding = holding
            self._say(f"holding={holding[1]}")
        self.total += done
        if done.projected:
            self._say(f"projected={done.projected} total={self.total.projected}")
            self._count()
        elif done.sealed and not engine.projects:
            self._say(f"sealed={done.sealed} total={self.total.sealed}")

    def _count(self) -> None:
        if self._rounds is not None:
            self._rounds -= 1
            self._stop.asked = self._stop.asked or self._rounds <= 0

    def _say(self, text: str) -> None:
        say(f"{instant_text(now_us())} {text}")


def _owned(engine: Engine) -> Iterator[str]:
    if engine.seals:
        yield "seal"
    yield from engine.projects


def _answer(name: str, count: int, *, as_json: bool) -> int:
    answer = Answer(document={name: count}, text=f"{name} {count}")
    return give(answer, as_json=as_json)


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
    processes: Annotated[
        int,
        typer.Option(
            "--processes",
            min=1,
            help="So many at once, each for partitions of its own.",
        ),
    ] = 1,
    directory: Dir = None,
    dsn: Dsn = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> int:
    """Makes every derived table again from the log and compares; exit 1 if they differ.

    With --swap it also brings up tables that another version of this program made. Each
    of several processes takes 3 connections to PostgreSQL, 6 with a log on Kafka.
    """
    settings = place(directory, dsn, passphrase_file)
    with open_ledger(settings, stale_tables=True) as ledger:
        document = rebuild_tables(
            ledger,
            swap=swap,
            trust=trust,
            processes=processes,
            told=lambda n: say(f"rebuilt={n}"),
        )
    lines = [f"{document['records']} records, {document['accepted']} accepted"]
    if document["replaced"]:
        lines.append("the tables of another version were replaced")
    lines += [
        f"  {one['table']:<20} {'equal' if one['equal'] else one['first_difference']}"
        for one in document["tables"]
    ]
    code = 0 if document["equal"] or swap else 1
    answer = Answer(document=document, text="\n".join(lines), exit_code=code)
    return give(answer, as_json=as_json)
