"""Who acts for whom: delegations (委托), successions (承继机构) and roles in the registry.

A CHANGE of an authority replaces a whole field, so what stands there already is read,
kept, and published again with what is new.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Literal

from console.ledger import Ledger
from console.registering import Registrar
from ledger.authorities import Authority, Grant
from ledger.errors import Malformed, Unknown
from ledger.lifecycle import ACTS
from ledger.registry_fields import GrantDraft
from ledger.workdays import date_to_day, day_to_date, legal_day

Kind = Literal["delegation", "succession"]
KINDS_ZH = {"delegation": "委托", "succession": "承继"}


def organ(ledger: Ledger, uscc: str) -> Authority:
    """An authority that exists; raises Unknown for any other code."""
    found = ledger.registry().authority(uscc)
    if found is None or not found.active:
        raise Unknown(
            "no such authority",
            code="authority_not_found",
            expected="one that `license-ledger registry list` shows",
            found=f"{ascii(uscc)[:40]}{'' if found is None else ', which has ended'}",
        )
    return found


def delegate(
    ledger: Ledger, registrar: Registrar, giver: str, grant: GrantDraft
) -> None:
    """Adds one delegation to those that an authority has given."""
    before = organ(ledger, giver)
    _check(ledger, grant)
    given = [*map(_draft, before.delegations), grant]
    registrar.authority(giver, delegations=given, basis=grant.basis or "")


def end_delegations(
    ledger: Ledger,
    registrar: Registrar,
    giver: str,
    to: str,
    *,
    type_code: str | None,
    last_day: str | None,
    basis: str,
) -> None:
    """Ends delegations of one authority to another behind ``last_day`` (today).

    All of them, or those of one type. What had not begun by then goes altogether.
    """
    before = organ(ledger, giver)
    today = legal_day(ledger.clock())
    day = today if last_day is None else date_to_day(last_day)
    kept: list[Grant] = []
    ended = 0
    for grant in before.delegations:
        matches = grant.to == to and type_code in (None, grant.type_code)
        if not matches or (grant.until_day is not None and grant.until_day <= day):
            kept.append(grant)
            continue
        ended += 1
        if grant.from_day <= day:
            kept.append(replace(grant, until_day=day))
    if not ended:
        raise Unknown(
            "no such delegation",
            code="delegation_not_found",
            expected="one in force or to come that `registry grants` shows",
            found=f"none from {giver} to {ascii(to)[:40]} behind {day_to_date(day)}",
        )
    registrar.authority(giver, delegations=map(_draft, kept), basis=basis)


def succeed(
    ledger: Ledger, registrar: Registrar, old: str, grant: GrantDraft, *, keep: bool
) -> None:
    """Lets another authority go on where ``old`` stops, and ends ``old`` unless kept."""
    before = organ(ledger, old)
    _check(ledger, grant)
    if not keep and date_to_day(grant.from_date) > legal_day(ledger.clock()):
        raise Malformed(
            "the old authority would end before its successor may act",
            code="authority_still_needed",
            expected="--keep now, and `registry end` on the day; or a day that has come",
            found=grant.from_date,
            where="--from",
        )
    if not keep and grant.type_code is not None:
        raise Malformed(
            "an authority whose powers move for one type goes on with the others",
            code="authority_still_needed",
            expected="--keep",
            where="--type",
        )
    given = [*map(_draft, before.successions), grant]
    registrar.authority(old, successions=given, basis=grant.basis or "")
    if not keep:
        end(registrar, old, basis=grant.basis or "")


def end(registrar: Registrar, uscc: str, *, basis: str) -> None:
    """Ends an authority: from here on it signs nothing; its successors go on."""
    registrar.record(f"authority:{uscc}", "END", {"basis": basis} if basis else {})


def change_roles(
    ledger: Ledger,
    registrar: Registrar,
    uscc: str,
    *,
    add: Sequence[str],
    drop: Sequence[str],
) -> None:
    """Gives an authority roles and takes others away; those not named stay."""
    before = organ(ledger, uscc)
    missing = sorted(set(drop) - before.roles)
    if missing:
        raise Unknown(
            "the authority has no such role",
            expected=", ".join(sorted(before.roles)) or "none",
            found=", ".join(ascii(role)[:40] for role in missing),
        )
    after = (before.roles | set(add)) - set(drop)
    if after == before.roles:
        raise Malformed("nothing is changed", expected="--add or --drop")
    registrar.authority(uscc, roles=after)


def grants(ledger: Ledger, *, day: int) -> Iterator[dict[str, Any]]:
    """Every delegation and succession, and how it stands on a day (of UTC+8)."""
    for giver in ledger.registry().authorities.values():
        parts: tuple[tuple[Kind, tuple[Grant, ...]], ...] = (
            ("delegation", giver.delegations),
            ("succession", giver.successions),
        )
        for kind, given in parts:
            for grant in given:
                yield {
                    "kind": kind,
                    "kind_zh": KINDS_ZH[kind],
                    "from": giver.uscc,
                    "to": grant.to,
                    "type": grant.type_code,
                    "acts": None if grant.acts is None else sorted(grant.acts),
                    "from_date": day_to_date(grant.from_day).isoformat(),
                    "until": _date(grant.until_day),
                    "area": grant.area,
                    "basis": grant.basis,
                    "shown_name": grant.shown_name,
                    "state": _state(giver, kind, grant, day),
                }


def _state(giver: Authority, kind: Kind, grant: Grant, day: int) -> str:
    if kind == "delegation" and not giver.active:
        return "lapsed"  # with the organ that gave it
    if day < grant.from_day:
        return "to come"
    if grant.until_day is not None and grant.until_day < day:
        return "over"
    return "in force"


def _check(ledger: Ledger, grant: GrantDraft) -> None:
    """What admission takes and nobody means: an unknown receiver, type or act."""
    organ(ledger, grant.to)
    first = date_to_day(grant.from_date)
    if grant.until_date is not None and date_to_day(grant.until_date) < first:
        raise Malformed(
            "the term ends before it begins",
            code="bad_term",
            expected=f"{grant.from_date} or later",
            found=grant.until_date,
            where="--until",
        )
    if grant.type_code is not None and not ledger.registry().license_type(
        grant.type_code
    ):
        raise Malformed(
            "no such license type in this ledger", code="no_such_type", where="--type"
        )
    unknown = sorted(set(grant.acts or ()) - set(ACTS))
    if unknown:
        raise Malformed(
            "no such act",
            code="no_such_act",
            expected=", ".join(sorted(ACTS)),
            found=", ".join(ascii(act)[:40] for act in unknown),
            where="--act",
        )


def _draft(grant: Grant) -> GrantDraft:
    return GrantDraft(
        to=grant.to,
        from_date=day_to_date(grant.from_day).isoformat(),
        type_code=grant.type_code,
        acts=None if grant.acts is None else sorted(grant.acts),
        until_date=_date(grant.until_day),
        area=grant.area,
        basis=grant.basis or None,
        shown_name=grant.shown_name or None,
    )


def _date(day: int | None) -> str | None:
    return None if day is None else day_to_date(day).isoformat()
