"""The questions at the end of the demonstration, answered from the ledger alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from console.demo.desk import DemoDesk, LifeLine
from console.demo.offices import BUREAU, NEW_OFFICES, city_offices
from console.demo.story import Story
from ledger.errors import Untrusted
from ledger.identifiers import parse_license_id
from ledger.workdays import day_start, day_to_date, instant_text, legal_day

DAYS_AGO = 400
"""The day of the first question, before today."""
SUSPENDED_AGO = 140
"""A day inside the suspension that was reported late."""


def answers(desk: DemoDesk, story: Story) -> dict[str, Any]:
    """Who held what, what was known, who corrected, what came late; masked."""
    return {
        "held": _held(desk, story),
        "known": _known(desk, story),
        "corrected": _corrected(desk, story),
        "late": _late(desk, story),
    }


def _held(desk: DemoDesk, story: Story) -> dict[str, Any]:
    """Who held what on a day? (谁在某日持有什么)"""
    day = story.today - DAYS_AGO
    found = desk.held(story.asked.holder, as_of=day_start(day))
    return {
        "day": day_to_date(day).isoformat(),
        "licenses": [
            {
                "license_id": one.license_id,
                "type": one.type_name,
                "state": one.state,
                "version": one.version,
                "valid_until": one.valid_until,
            }
            for one in found
        ],
    }


def _known(desk: DemoDesk, story: Story) -> dict[str, Any]:
    """What did we know then? (当时知道什么) One day, asked before and after a report."""
    license_id = story.asked.late
    lines = desk.timeline(license_id)
    late = _first(lines, "SUSPEND")
    before = lines[lines.index(late) - 1]
    day = story.today - SUSPENDED_AGO
    asked = {
        name: desk.known(license_id, effective=day_start(day), known_at=at)
        for name, at in (("then", before.recorded_at), ("now", desk.now()))
    }
    return {
        "license_id": license_id,
        "day": day_to_date(day).isoformat(),
        **asked,
        "known_then": instant_text(before.recorded_at),
        "reported": instant_text(late.recorded_at),
    }


def _corrected(desk: DemoDesk, story: Story) -> dict[str, Any]:
    """Which field was corrected, by whom? (哪个字段由谁更正)"""
    line = _first(desk.timeline(story.asked.corrected), "CORRECT")
    face = desk.license_type(parse_license_id(story.asked.corrected).type_code).fields
    fields = {n: list(c) for n, c in line.changed.items() if n in face}
    return {
        "license_id": story.asked.corrected,
        "position": line.position,
        "fields": fields,
        "by": _name(line.authority),
        "decision": line.decision,
        "decided_on": day_to_date(legal_day(line.effective_at)).isoformat(),
    }


def _late(desk: DemoDesk, story: Story) -> dict[str, Any]:
    """Which act came late, and what did it overtake? (何行为迟报, 覆盖了什么)"""
    lines = desk.timeline(story.asked.overtaken)
    late = next(one for one in lines if "overtakes" in one.flags)
    return {
        "license_id": story.asked.overtaken,
        "late": _line(late),
        "overtaken": [_line(one) for one in lines if one.overtaken],
    }


def _line(line: LifeLine) -> dict[str, Any]:
    return {
        "act": line.act,
        "position": line.position,
        "by": _name(line.authority),
        "effective": day_to_date(legal_day(line.effective_at)).isoformat(),
        "recorded": instant_text(line.recorded_at),
    }


def _first(lines: Sequence[LifeLine], act: str) -> LifeLine:
    """The first line of an act; the story has one."""
    found = next((one for one in lines if one.act == act), None)
    if found is None:
        raise Untrusted("the ledger does not tell of an act", expected=act)
    return found


def _name(uscc: str) -> str:
    """An office's name by its code."""
    names: Mapping[str, str] = {
        one.uscc: one.name for one in (BUREAU, *NEW_OFFICES, *city_offices().values())
    }
    return names.get(uscc, uscc)
