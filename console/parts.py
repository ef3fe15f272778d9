"""A rebuild in several processes, each for sources of its own."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any, cast

from console.collector import collect_rarely
from console.ledger import Ledger
from console.log_wiring import open_log
from console.settings import Settings
from console.unforeseen import Unforeseen, unforeseen
from console.wiring import database
from ledger.errors import LedgerError, Unavailable
from ledger.log.head import HeadStore
from ledger.sources import source_names
from projections.claims import take_part
from projections.fold import Vouched
from replay.rebuild import Rebuild

_END_S = 10.0
_ANSWER = int | LedgerError | Unforeseen | None
"""From a process: records folded so far, its error, or None at its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one process folds, and where; it is sent there and holds no passphrase."""

    settings: Settings
    closed: frozenset[str]
    sources: tuple[str, ...]
    vouched: Vouched | None
    offers: bool
    records_max: int


def fill(
    ledger: Ledger,
    *,
    processes: int,
    vouched: Vouched | None,
    offers: bool,
    records_max: int,
    told: Callable[[int], None],
) -> None:
    """Folds all that is sealed into the schema of the rebuild, then ends the processes.

    ``told``: the records so far. Each process takes three connections to PostgreSQL, six
    with a log on Kafka, and imports the main module of this one, which must do nothing
    when it is imported (as ``multiprocessing`` asks). The first error of a process ends
    all and is raised here; Unavailable when one ends without a word, as when it is killed.
    """
    parts = [
        Part(
            settings=replace(ledger.settings, passphrase=None),
            closed=ledger.closed,
            sources=group,
            vouched=vouched,
            offers=offers,
            records_max=records_max,
        )
        for group in groups(source_names(ledger.partitions), processes)
    ]
    done = [0] * len(parts)
    with _running(parts) as answering:
        left = dict(zip(answering, range(len(parts)), strict=True))
        while left:
            for answers in cast("list[Connection[Any, Any]]", wait(list(left))):
                answer = _answer(answers)
                if answer is None:
                    del left[answers]
                else:
                    done[left[answers]] = answer
                    told(sum(done))


def groups(sources: Sequence[str], count: int) -> list[tuple[str, ...]]:
    """The sources dealt to so many processes, at most one for each, in sealed order."""
    return [tuple(sources[number::count]) for number in range(min(count, len(sources)))]


@contextmanager
def _running(parts: Sequence[Part]) -> Iterator[list[Connection[Any, Any]]]:
    """The processes of these parts; when the block is left, none of them is."""
    started: list[SpawnProcess] = []
    answering: list[Connection[Any, Any]] = []
    try:
        for part in parts:
            process, answers = _start(part)
            started.append(process)
            answering.append(answers)
        yield answering
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.join(_END_S)
            if process.is_alive():  # stopped, or deaf to the signal
                process.kill()
                process.join()
        for answers in answering:
            answers.close()


def _start(part: Part) -> tuple[SpawnProcess, Connection[Any, Any]]:
    context = get_context("spawn")
    answers, telling = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(part, telling), daemon=True)
    # Ctrl-C reaches the whole group: who started the process ends it. The mask goes over.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    telling.close()  # so that its end is the end of the pipe
    return process, answers


def _answer(answers: Connection[Any, Any]) -> int | None:
    """How many records a process has folded, None at its end; raises its error."""
    try:
        answer: _ANSWER = answers.recv()
    except EOFError as error:
        raise Unavailable(
            "a process of the rebuild ended before its work was done",
            code="process_ended",
        ) from error
    if isinstance(answer, LedgerError | Unforeseen):
        raise answer
    return answer


def _run(part: Part, telling: Connection[Any, Any]) -> None:
    """One process: what it has to say goes to the one that started it."""
    collect_rarely()
    try:
        _fold(part, told=telling.send)
        telling.send(None)
    except LedgerError as error:
        telling.send(error)
    except Exception as error:  # noqa: BLE001 - the last door of this process
        telling.send(unforeseen(error))


def _fold(part: Part, *, told: Callable[[int], None]) -> None:
    def tell(count: int) -> None:
        _end_with_parent()
        told(count)

    with database(part.settings) as (connections, _):
        own = connections.open()
        take_part(own)
        _end_with_parent()
        Rebuild(
            own,
            log=open_log(part.settings, connections, closed=part.closed),
            head=HeadStore(connections.open()),
            sources=part.sources,
            vouched=part.vouched,
            offers=part.offers,
            records_max=part.records_max,
        ).catch_up(told=tell)


def _end_with_parent() -> None:
    """Ends an orphan: nobody waits for its tables, and another rebuild may want to."""
    parent = parent_process()
    if parent is None or not parent.is_alive():
        raise SystemExit(1)
