"""The registered authorities (机构), and who of them may act for whom.

Deciding organs differ from issuers every day: successors (承继机构), delegates (委托),
custodians of stock (归集单位), superiors. Each ground is one question here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from ledger.divisions import area_covers
from ledger.events import Rows, Strings, Value
from ledger.workdays import date_to_day

CUSTODIAN_ACTS = frozenset({"BASELINE", "LINK"})
"""Acts of stock-keeping that a custodian does besides whatever it backfills."""
SUPERVISOR_ACTS = frozenset({"ANNUL", "RESTORE"})
"""Acts by which a superior undoes what its inferior did (行政许可法 69)."""

Book = Mapping[str, "Authority"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Powers that one organ gives another; None = all types, all acts, no end.

    Days count from 1970-01-01 in UTC+8, ``until_day`` is the last one. ``area``: where
    the receiver acts though its own area is smaller.
    """

    to: str
    type_code: str | None
    acts: frozenset[str] | None
    from_day: int
    until_day: int | None
    area: str | None
    basis: str
    shown_name: str

    def holds(self, type_code: str, act: str, day: int) -> bool:
        """Whether it is in term and covers this act on this type."""
        return (
            self.from_day <= day
            and (self.until_day is None or day <= self.until_day)
            and self.type_code in (None, type_code)
            and (self.acts is None or act in self.acts)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """One registered authority; ``types`` None = every type.

    ``delegations`` and ``successions`` give *its* powers to others. ``since`` and
    ``ended`` are positions.
    """

    uscc: str
    name: str
    area: str
    level: str
    roles: frozenset[str]
    since: int
    types: frozenset[str] | None = None
    delegations: tuple[Grant, ...] = ()
    successions: tuple[Grant, ...] = ()
    ended: int | None = None

    @property
    def active(self) -> bool:
        """Whether it exists still."""
        return self.ended is None


def may_act(
    book: Book,
    who: Authority,
    issuer: Authority,
    *,
    type_code: str,
    act: str,
    backfilled: bool,
    opening: bool,
    day: int,
) -> bool:
    """Whether ``who`` may do an act on a license of ``issuer``, on any of the grounds.

    ``opening``: the act opens the chain, so ``who`` must act for the issuer: a superior
    may not. ``day``: the legal day on which terms of delegations are judged.
    """
    if backfilled and "custodian" not in who.roles:
        return False
    if who.types is None or type_code in who.types:
        if who.uscc == issuer.uscc and "publisher" in who.roles:
            return True
        by_role = (
            "custodian" in who.roles and (backfilled or act in CUSTODIAN_ACTS)
        ) or ("supervisor" in who.roles and act in SUPERVISOR_ACTS and not opening)
        if by_role and area_covers(who.area, issuer.area):
            return True
    return "publisher" in who.roles and any(
        area_covers(who.area, issuer.area)
        or (grant.area is not None and area_covers(grant.area, issuer.area))
        for grant in _grants_to(book, who, issuer, type_code, act, day)
    )


def _grants_to(
    book: Book, who: Authority, issuer: Authority, type_code: str, act: str, day: int
) -> Iterator[Grant]:
    """Successions and delegations by which ``who`` acts for ``issuer``.

    A successor of a successor counts, and the delegate of either; what an organ that
    has ended delegated, lapsed with it.
    """
    organs, seen = [issuer], {issuer.uscc}
    for organ in organs:
        for grant in organ.successions:
            if not grant.holds(type_code, act, day):
                continue
            if grant.to == who.uscc:
                yield grant
            successor = book.get(grant.to)
            if successor is not None and successor.uscc not in seen:
                seen.add(successor.uscc)
                organs.append(successor)
        if organ.active:
            for grant in organ.delegations:
                if grant.to == who.uscc and grant.holds(type_code, act, day):
                    yield grant


def authority_of(
    uscc: str, values: Mapping[str, Value], *, since: int, before: Authority | None
) -> Authority:
    """The authority that a well-formed ADD (no ``before``) or CHANGE makes."""

    def text(name: str) -> str:
        given = values.get(name)
        return given if isinstance(given, str) else getattr(before, name)

    def grants(name: str) -> tuple[Grant, ...]:
        if name in values:
            return grants_of(values[name])
        return getattr(before, name) if before is not None else ()

    if "roles" in values:
        roles = _words(values["roles"]) or frozenset()
    else:
        roles = before.roles if before is not None else frozenset()
    types = before.types if before is not None else None
    return Authority(
        uscc=uscc,
        name=text("name"),
        area=text("area"),
        level=text("level"),
        roles=roles,
        types=_words(values["types"]) if "types" in values else types,
        delegations=grants("delegations"),
        successions=grants("successions"),
        since=since,
    )


def grants_of(value: Value) -> tuple[Grant, ...]:
    """Reads well-formed grant rows; raises Malformed on a day that is none."""
    rows = cast("Rows", value)["rows"]
    return tuple(_grant({c["name"]: c["value"] for c in row["cells"]}) for row in rows)


def _grant(cells: Mapping[str, Any]) -> Grant:
    acts, until = cells["acts"], cells["until"]
    return Grant(
        to=cells["to"],
        type_code=cells["type"],
        acts=None if acts is None else frozenset(acts.split(" ")),
        from_day=date_to_day(cells["from"]),
        until_day=None if until is None else date_to_day(until),
        area=cells["area"],
        basis=cells["basis"] or "",
        shown_name=cells["shown_name"] or "",
    )


def _words(value: Value) -> frozenset[str] | None:
    return None if value is None else frozenset(cast("Strings", value)["strings"])
