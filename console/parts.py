"""A rebuild in several processes, each for sources of its own."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait

from console.collector import collect_rarely
from console.ledger import Ledger
from console.settings import Settings
from console.wiring import open_ledger
from ledger.errors import LedgerError, Unavailable
from ledger.sources import source_names
from replay.rebuild import Rebuild

_LISTEN_S = 600.0
_END_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one process folds: these sources of the ledger of these settings."""

    settings: Settings
    sources: tuple[str, ...]
    trust: bool
    offers: bool


def fill(
    ledger: Ledger,
    *,
    processes: int,
    trust: bool,
    offers: bool,
    told: Callable[[int], None],
) -> None:
    """Folds all that is sealed into the schema of the rebuild, then ends the processes.

    Each imports the main module of this one, which therefore does nothing when imported
    (as `multiprocessing` asks). ``told``: the records so far. The first error of a process ends all and is raised
    here; Unavailable when one ends without a word, as when somebody kills it.
    """
    sources = source_names(ledger.partitions)
    parts = [
        Part(settings=ledger.settings, sources=group, trust=trust, offers=offers)
        for group in groups(sources, processes)
    ]
    done = [0] * len(parts)
    with ExitStack() as stack:
        running = {
            stack.enter_context(_process(part)): number
            for number, part in enumerate(parts)
        }
        while running:
            for answers in wait(list(running), timeout=_LISTEN_S):
                if not isinstance(answers, Connection):
                    continue
                answer = _answer(answers)
                if answer is None:
                    del running[answers]
                else:
                    done[running[answers]] = answer
                    told(sum(done))


def groups(sources: Sequence[str], count: int) -> list[tuple[str, ...]]:
    """The sources dealt to so many processes, at most one for each, in sealed order."""
    return [tuple(sources[number::count]) for number in range(min(count, len(sources)))]


@contextmanager
def _process(part: Part) -> Iterator[Connection]:
    context = get_context("spawn")
    answers, telling = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(part, telling), daemon=True)
    process.start()
    telling.close()  # so that its end is the end of the pipe
    try:
        yield answers
    finally:
        process.terminate()
        process.join(_END_S)
        answers.close()


def _answer(answers: Connection) -> int | None:
    """How many records a process has folded, None at its end; raises its error."""
    try:
        answer = answers.recv()
    except EOFError as error:
        raise Unavailable(
            "a process of the rebuild ended before its work was done",
            code="process_ended",
        ) from error
    if isinstance(answer, LedgerError):
        raise answer
    return answer if isinstance(answer, int) else None


def _run(part: Part, telling: Connection) -> None:
    """One process: what it has to say goes to the one that started it."""
    # Ctrl-C reaches the whole group: who started this process ends it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    collect_rarely()
    try:
        with open_ledger(part.settings, stale_tables=True) as ledger:
            Rebuild(
                ledger.connect(),
                log=ledger.log,
                head=ledger.head,
                sources=part.sources,
                trust_sealed_verdicts=part.trust,
                offers=part.offers,
            ).catch_up(told=lambda count: _tell(telling, count))
        telling.send(None)
    except LedgerError as error:
        telling.send(error)


def _tell(telling: Connection, count: int) -> None:
    parent = parent_process()
    if parent is None or not parent.is_alive():
        raise SystemExit(1)  # killed: nobody waits for these tables any more
    telling.send(count)
