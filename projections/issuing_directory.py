"""The issuing directory (发证清单): who issues which type of license where, and how much.

It has no rows of its own. A counter would be shared by all partitions, and could say
nothing of a past day; an index that covers what is asked of each license
(``license_directory``) answers both from the licenses themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from psycopg import Connection

from ledger.license import State
from ledger.lifecycle import shown_state
from ledger.lifecycle_step import TRANSFERRED
from ledger.registry import Registry
from projections import chain
from projections.license import SHOWN_STATE
from projections.states import fold_on, types_of

MOVED = "TRANSFERRED"
"""Shown in place of CANC for a license that went to another issuer (转出)."""


@dataclass(slots=True, kw_only=True)
class DirectoryRow:
    """What one issuer issued of one type in one area, as of a day.

    ``opened`` counts licenses by their opening act (ISSUE 制发, BASELINE 存量补录,
    TRANSFER_IN 转入); ``states`` the same ones by the state they show, MOVED among them.
    Days count from 1970-01-01 in UTC+8: of the first and the last opening act.
    """

    issuer: str
    type_code: str
    area: str
    opened: dict[str, int] = field(default_factory=dict)
    states: dict[str, int] = field(default_factory=dict)
    first_day: int
    last_day: int

    @property
    def licenses(self) -> int:
        """How many licenses there are, ended ones too."""
        return sum(self.opened.values())


_GROUPS = f"""
SELECT issuer, type_code, area, opening, {SHOWN_STATE} AS state, after, count(*),
       min(opened_day), max(opened_day)
FROM license
WHERE settled_day <= %(day)s
  AND (%(issuer)s::text IS NULL OR issuer = %(issuer)s)
  AND (%(type)s::text IS NULL OR type_code = %(type)s)
GROUP BY issuer, type_code, area, opening, state, after
"""  # noqa: S608 - both are literals
_UNSETTLED = """
SELECT license_id, issuer, type_code, opened_day
FROM license
WHERE settled_day > %(day)s AND opened_day <= %(day)s
  AND (%(issuer)s::text IS NULL OR issuer = %(issuer)s)
  AND (%(type)s::text IS NULL OR type_code = %(type)s)
ORDER BY license_id
"""
_AT_ONCE = 1_000

_Group = tuple[str, str, str, str, str, str, int, int, int]


def directory(
    conn: Connection[Any],
    *,
    as_of_day: int,
    registry: Registry,
    issuer: str | None = None,
    type_code: str | None = None,
) -> list[DirectoryRow]:
    """The directory as of a day, as known now; by issuer, type and area.

    A license that an act moved after that day is folded again up to it.
    """
    asked = {"day": as_of_day, "issuer": issuer, "type": type_code}
    found: dict[tuple[str, str, str], DirectoryRow] = {}
    for group in _groups(conn, asked, registry):
        _add(found, group)
    return [found[key] for key in sorted(found)]


def _add(found: dict[tuple[str, str, str], DirectoryRow], group: _Group) -> None:
    issuer, type_code, area, opening, state, after, count, first, last = group
    row = found.get((issuer, type_code, area))
    if row is None:
        row = found[issuer, type_code, area] = DirectoryRow(
            issuer=issuer,
            type_code=type_code,
            area=area,
            first_day=first,
            last_day=last,
        )
    shown = MOVED if (state, after) == (State.CANC, TRANSFERRED) else state
    row.opened[opening] = row.opened.get(opening, 0) + count
    row.states[shown] = row.states.get(shown, 0) + count
    row.first_day = min(row.first_day, first)
    row.last_day = max(row.last_day, last)


def _groups(
    conn: Connection[Any], asked: dict[str, Any], registry: Registry
) -> Iterator[_Group]:
    with conn.cursor() as cur:
        yield from cur.execute(_GROUPS, asked).fetchall()
        later = cur.execute(_UNSETTLED, asked).fetchall()
    day = asked["day"]
    for start in range(0, len(later), _AT_ONCE):
        part = later[start : start + _AT_ONCE]
        chains = chain.load(conn, [license_id for license_id, *_ in part])
        for license_id, issuer, type_code, opened in part:
            acts = chains["license", license_id].acts
            then = fold_on(day, acts, types_of(registry, license_id))
            if then is not None:
                state = shown_state(then, day).value
                yield (
                    *(issuer, type_code, then.area, then.opening),
                    *(state, then.after, 1, opened, opened),
                )
