"""``log succeed``: a damaged source is closed, and goes on in the one that succeeds it.

What is sealed of it is read from the archive from then on. What the brokers acknowledged
and no seal covers yet goes into the successor, before anybody else can know of that.
Killed anywhere, the command is run again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, Final

from console.ledger import Ledger
from console.log_repair import add_source, remains_of, source_alone
from console.log_wiring import on_kafka
from console.moving import Mover
from console.registering import Registrar
from console.settings import Settings
from console.wiring import open_ledger
from consumers.sealed_log import check_ends, check_last
from ledger.admission import Admission, Place
from ledger.envelope import Opened
from ledger.errors import Malformed, Refused, Unavailable, Unknown, Untrusted
from ledger.log.contract import EventLog
from ledger.log.head_gaps import HeadGaps
from ledger.log.placing import leaves_of_source
from ledger.merkle import leaf_hash
from ledger.publish import Appended
from ledger.refusals import Refusal
from ledger.registry_fields import registry_fields_source
from ledger.sources import (
    REGISTRY,
    SEALS,
    base_of,
    predecessors_of,
    source_names,
    successor_of,
)

Told = Callable[[str], None]
_PAGE: Final = 512
_PAGE_SIZE: Final = 1024 * 1024


def succeed(
    settings: Settings,
    sources: Sequence[str],
    *,
    registrar: Callable[[Ledger], Registrar],
    told: Told,
) -> dict[str, Any]:
    """Lets other sources go on in the places of these; returns what was done with each.

    No damage but theirs is excused (Untrusted). Raises Malformed for a source that is
    whole, Unavailable while others seal or project, Refused when the registry does not
    take the succession. One that was succeeded before is looked through once more for
    records that came later.
    """
    on_kafka(settings)
    _check_names(sources)
    with open_ledger(settings, damaged=sources) as ledger, ledger.engine.held() as own:
        if not own:
            raise Unavailable(
                "another process seals or projects this ledger",
                code="busy_elsewhere",
                expected="run, seal and project stopped, and everybody who publishes",
            )
        ledger.engine.adopt()
        one = _Successions(ledger, registrar, told)
        # The registry first: the others' records go into the one that is in use.
        ordered = sorted(set(sources), key=lambda s: (base_of(s) != REGISTRY, s))
        damages = {source: one.damage(source) for source in ordered}
        done = [one.succeed(source, damages[source]) for source in ordered]
        ledger.engine.rest()
        return {"sources": done, "seal_no": ledger.head.load().tip.seal_no}


class _Successions:
    """The steps, on a ledger that nobody else works on."""

    def __init__(
        self, ledger: Ledger, registrar: Callable[[Ledger], Registrar], told: Told
    ) -> None:
        self._ledger = ledger
        self._settings = ledger.settings
        self._registrar = registrar
        self._told = told
        self._mover = Mover(ledger, told)

    def damage(self, source: str) -> str | None:
        """What is wrong with a source; None when it was succeeded before.

        Raises Malformed when it is whole, Unknown when it is none of this ledger.
        """
        used = self._ledger.in_use().get(base_of(source), base_of(source))
        if source in predecessors_of(used):
            return None
        if source != used or base_of(source) not in source_names(
            self._ledger.partitions
        ):
            raise Unknown(
                "no such source in this ledger",
                code="source_not_found",
                expected="registry, events-0 …, or one that succeeded it",
                found=source,
            )
        with remains_of(self._settings, source) as remains:
            if not remains.there:
                return "its topic is gone"
            if start := remains.start:
                return f"it starts at offset {start}"
        damage = self._difference(source)
        if damage is None:
            raise Malformed(
                "this source is whole: the log has every record that is sealed",
                code="nothing_to_repair",
                expected="a source that lost records",
                found=source,
            )
        return damage

    def succeed(self, source: str, damage: str | None) -> dict[str, Any]:
        """Brings one source to its end; what is done already is not done again."""
        before = damage is None
        successor = self._successor(source) if before else successor_of(source)
        moved = 0
        if damage is not None:
            self._told(f"{source}: {damage}")
            add_source(self._settings, successor)
            if base_of(source) == REGISTRY:
                self._open_registry(source, successor)
            else:
                # Before anybody can know of the successor: so what was acknowledged
                # first comes first in it.
                moved += self._mover.move(source, successor)
                self._register(source, successor)
        moved += self._mover.move(source, successor)
        self._told(f"{source} is succeeded by {successor}; {moved} records were moved")
        return {
            "source": source,
            "successor": successor,
            "damage": damage,
            "before": before,
            "moved": moved,
        }

    def _successor(self, source: str) -> str:
        return self._ledger.in_use()[base_of(source)]

    def _difference(self, source: str) -> str | None:
        """What the log lacks of a source, its last record first; None for nothing."""
        head = self._ledger.head
        nexts = head.load().tip.nexts
        count = nexts.get(source, 0)
        gaps = HeadGaps(self._ledger.connect())
        with source_alone(self._settings, source, gaps=gaps) as log:
            try:
                check_ends(log.ends(), nexts, sources=[source])
                check_last(log, head, source, count)
                _compare(log, source, leaves_of_source(head, source))
            except Untrusted as error:
                return str(error)
        return None

    def _register(self, source: str, successor: str) -> None:
        """Publishes the succession, sealed and accepted when this returns."""
        # An interrupted call may have left it in the log, not yet sealed.
        self._ledger.engine.rest()
        if self._ledger.in_use().get(base_of(source)) == successor:
            return
        made = self._made(source, successor)
        [row] = made.publish()
        if row.verdict != "accepted":
            raise Refused(
                "the registry does not take the succession",
                code=row.verdict,
                found=row.detail,
                where=successor,
            )

    def _made(self, source: str, successor: str) -> Registrar:
        made = self._registrar(self._ledger)
        made.record(f"source:{successor}", "ADD", registry_fields_source(source))
        return made

    def _open_registry(self, source: str, successor: str) -> None:
        """Makes the succession the first record of the registry's successor.

        The sealer was told of the damage, and takes the registry from there at once. So
        nothing is appended, or left there, that would not be accepted.
        """
        log = self._ledger.log
        first = log.read(successor, 0, limit=1, size_max=1)
        if not first:
            [signed] = self._made(source, successor).taken()
            self._try(signed.data, successor)
            log.append(successor, [signed.data])
        else:
            self._try(first[0], successor)
        self._ledger.await_verdict(Appended(source=successor, ordinal=0, digest=b""))

    def _try(self, record: bytes, successor: str) -> None:
        """Raises Refused unless the record, sealed next, makes ``successor`` one."""
        registry = self._ledger.registry()
        admission = Admission(registry, {})
        opened = admission.open([record])[0]
        tip = self._ledger.head.load().tip
        place = Place(
            source=successor,
            ordinal=0,
            position=tip.tree_size,
            seal_no=tip.seal_no + 1,
            sealed_at=max(tip.sealed_at, self._ledger.clock()),
        )
        verdict = admission.admit(record, opened, place)
        if successor not in registry.sources():
            raise Refused(
                "the first record there is no succession that the registry takes",
                code=verdict.code,
                found=_words(opened, verdict.detail),
                where=f"{successor}, record 0",
            )


def _compare(log: EventLog, source: str, sealed: Iterator[bytes]) -> None:
    """Raises Untrusted at the first record that is not the one sealed in its place."""
    page: list[bytes] = []
    for ordinal, leaf in enumerate(sealed):
        if not page:
            page = log.read(source, ordinal, limit=_PAGE, size_max=_PAGE_SIZE)
            page.reverse()
        found = leaf_hash(page.pop()) if page else b""
        if found != leaf:
            raise Untrusted(
                "the log does not hold the record that was sealed",
                code="log_record_changed",
                expected=leaf.hex(),
                found=found.hex() or "none",
                where=f"{source}, record {ordinal}",
            )


def _check_names(sources: Collection[str]) -> None:
    if SEALS in sources:
        raise Malformed(
            "the seals go on in their own topic",
            code="bad_usage",
            expected="license-ledger log refill",
            found=SEALS,
        )


def _words(opened: Opened | Refusal, detail: str) -> str:
    return detail or (opened.code if isinstance(opened, Refusal) else "")
