"""Plain constructor calls that put a ledger together over the connections to its database."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from itertools import chain
from typing import TYPE_CHECKING, Any

from console.engine import Engine
from console.key_ring import KeyRing
from console.ledger import Ledger
from console.log_wiring import archived_log, bare_log, check_log, open_log
from console.settings import Settings
from consumers.halves import ProjectingHalf, SealingHalf
from consumers.locks import SEALING, Locks, projecting
from consumers.project import Projector
from consumers.seal import Sealer
from consumers.sealing_keys import SealingKeys
from ledger.log.archive import Archive
from ledger.log.contract import EventLog
from ledger.log.head import HeadStore
from ledger.log.journal import CheckpointJournal
from ledger.log.key_store import KeyStore
from ledger.registry import Registry
from ledger.signing import verify
from ledger.sources import base_of, predecessors_of, source_names
from projections import registry
from projections.founding import found
from projections.migrate import VIEWS, use_schema

if TYPE_CHECKING:
    import psycopg

    from console.wiring import Connections

Clock = Callable[[], int]
"""UTC µs since 1970."""


def assemble(
    settings: Settings,
    connections: Connections,
    *,
    clock: Clock,
    accept_clock: bool = False,
    damaged: Collection[str] = (),
    checked: bool = True,
) -> Ledger:
    """Constructs everything of one open ledger over fresh connections."""
    head = HeadStore(connections.open())
    views = connections.open()
    in_use = _in_use(views, head)
    closed = {*damaged, *chain.from_iterable(map(predecessors_of, in_use.values()))}
    bare = bare_log(settings, connections, closed=closed)
    log = archived_log(settings, connections, bare, closed=closed)
    founding = found(log)
    sources = source_names(founding.partitions)
    if checked:
        used = [in_use.get(source, source) for source in sources]
        check_log(settings, bare, head, used, closed=closed)
    ring = KeyRing(settings)

    def open_key_store() -> KeyStore:
        return KeyStore(
            connections.open(),
            wrapping_key=ring.wrapping_key(),
            clock=clock,
            random_bytes=secrets.token_bytes,
        )

    ledger = Ledger(
        settings=settings,
        dsn=connections.dsn,
        shown_dsn=connections.shown,
        founding=founding,
        log=log,
        closed=closed,
        head=head,
        views=views,
        ring=ring,
        connect=connections.open,
        open_log=lambda: open_log(settings, connections, closed=closed),
        open_key_store=open_key_store,
        clock=clock,
        random_bytes=secrets.token_bytes,
    )
    ledger.engine = Engine(
        sealing=SealingHalf(
            Locks(connections.open(), [SEALING]),
            _sealer_of(ledger, founding, accept_clock=accept_clock, damaged=damaged),
        ),
        projecting=_projecting(connections.open(), log, head, sources),
        log=log,
        reached=ledger.projected,
        after=ledger.after_projection,
    )
    return ledger


def _sealer_of(
    ledger: Ledger,
    founding: Registry,
    *,
    accept_clock: bool,
    damaged: Collection[str],
) -> Callable[[ExitStack], Sealer]:
    """Makes sealers of a ledger that start from what is stored."""
    settings = ledger.settings

    def make(opened: ExitStack) -> Sealer:
        keys = SealingKeys(founding, ledger.ring.sealer_of)
        archive = None
        if settings.kafka is not None:
            archive = Archive(settings.archive)
            opened.callback(archive.close)
        return Sealer(
            ledger.log,
            ledger.head,
            keys,
            origin=keys.origin_line,
            clock=ledger.clock,
            verify=verify,
            journal=CheckpointJournal(settings.journal),
            archive=archive,
            accept_clock=accept_clock,
            damaged=damaged,
        )

    return make


def _projecting(
    tables: psycopg.Connection[Any],
    log: EventLog,
    head: HeadStore,
    sources: Sequence[str],
) -> ProjectingHalf:
    """The projecting half: the locks of sources end with the connection that writes."""
    return ProjectingHalf(
        Locks(tables, [projecting(source) for source in sources]),
        lambda owned: Projector(tables, log=log, head=head, sources=owned),
        sources=sources,
    )


def _in_use(views: psycopg.Connection[Any], head: HeadStore) -> dict[str, str]:
    """The sources that stand in the places of others, by the first name of each place.

    As far as it is projected, or anything of them is sealed: only the registry can have
    made it so.
    """
    use_schema(views, VIEWS)
    sealed = sorted(s for s in head.load().tip.nexts if s != base_of(s))
    found = registry.in_use(views)
    for source in sealed:
        held = found.setdefault(base_of(source), source)
        if len(predecessors_of(source)) > len(predecessors_of(held)):
            found[base_of(source)] = source
    return found
