"""The fields of registry records, built for whoever signs them (init, the command line).

What these functions build is in form; whether it is accepted is the registry's word.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ledger.catalogue import LicenseType, type_rows
from ledger.events import Field, Rows, Value
from ledger.registry_values import first_schemas
from ledger.workdays import Calendar


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantDraft:
    """A delegation or succession; dates ``YYYY-MM-DD``, None = all, all, no end, none."""

    to: str
    from_date: str
    type_code: str | None = None
    acts: Sequence[str] | None = None
    until_date: str | None = None
    area: str | None = None
    basis: str | None = None
    shown_name: str | None = None


def found_fields(
    *,
    name: str,
    partitions: int,
    root_keys: Sequence[bytes],
    quorum: int,
    sealer_key: bytes,
) -> list[Field]:
    """Of FOUND, subject ``ledger:``; keys are ``04‖X‖Y``, and each of them signs it."""
    return _fields(
        name=name,
        partitions=partitions,
        quorum=quorum,
        root_keys={"strings": [key.hex() for key in root_keys]},
        schemas=first_schemas(),
        sealer_key=sealer_key.hex(),
    )


def registry_fields_authority(
    *,
    name: str | None = None,
    area: str | None = None,
    level: str | None = None,
    roles: Iterable[str] | None = None,
    types: Iterable[str] | None = None,
    delegations: Iterable[GrantDraft] | None = None,
    successions: Iterable[GrantDraft] | None = None,
    nonstandard_code: bool = False,
    basis: str = "",
) -> list[Field]:
    """Of ADD or CHANGE, subject ``authority:<USCC>``; None leaves a field out.

    Delegations and successions stand with the organ that gives its powers away.
    """
    given: dict[str, Value] = {
        "name": name,
        "area": area,
        "level": level,
        "roles": _strings(roles),
        "types": _strings(types),
        "delegations": _grants(delegations),
        "successions": _grants(successions),
        "nonstandard_code": nonstandard_code or None,
        "basis": basis or None,
    }
    return _fields(**{n: value for n, value in given.items() if value is not None})


def registry_fields_key(
    *, public_key: bytes, purpose: str, possession: bytes, authority: str = ""
) -> list[Field]:
    """Of ADD, subject ``key:<key_id hex>``.

    ``possession``: the key's own signature over ``keyring.possession_message``.
    """
    return _fields(
        algorithm=1,
        authority=authority,
        possession=possession.hex(),
        public_key=public_key.hex(),
        purpose=purpose,
    )


def registry_fields_type(kind: LicenseType) -> list[Field]:
    """Of ADD or CHANGE, subject ``type:<code>``."""
    return _fields(definition=type_rows(kind))


def registry_fields_calendar(
    calendar: Calendar, names: Mapping[Any, str]
) -> list[Field]:
    """Of ADD or CHANGE, subject ``calendar:<division>-<year>``; ``names`` by day."""
    days = [(day, "holiday") for day in calendar.holidays]
    days += [(day, "workday") for day in calendar.shifted]
    return _fields(
        days=_rows(
            {"day": day.isoformat(), "kind": kind, "name": names.get(day, kind)}
            for day, kind in sorted(days)
        )
    )


def registry_fields_source(succeeds: str) -> list[Field]:
    """Of ADD, subject ``source:<name>``: it goes on where ``succeeds`` ended."""
    return _fields(succeeds=succeeds)


def _strings(given: Iterable[str] | None) -> Value:
    return None if given is None else {"strings": sorted(given)}


def _grants(given: Iterable[GrantDraft] | None) -> Value:
    if given is None:
        return None
    return _rows(
        {
            "to": grant.to,
            "type": grant.type_code,
            "acts": None if grant.acts is None else " ".join(sorted(grant.acts)),
            "from": grant.from_date,
            "until": grant.until_date,
            "area": grant.area,
            "basis": grant.basis,
            "shown_name": grant.shown_name,
        }
        for grant in given
    )


def _rows(rows: Iterable[Mapping[str, str | int | bool | None]]) -> Rows:
    return {
        "rows": [
            {"cells": [{"name": n, "value": v} for n, v in row.items()]} for row in rows
        ]
    }


def _fields(**values: Value) -> list[Field]:
    return [{"name": name, "value": value} for name, value in sorted(values.items())]
