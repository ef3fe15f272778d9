"""The answers of the demonstration in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.output import columns
from ledger.license import STATE_ZH, State
from ledger.lifecycle import ACTS


def question_blocks(answers: Mapping[str, Any]) -> list[list[str]]:
    """A block of lines for each question."""
    return [
        _held(answers["held"]),
        _known(answers["known"]),
        _corrected(answers["corrected"]),
        _late(answers["late"]),
    ]


def _held(one: Mapping[str, Any]) -> list[str]:
    rows = [
        (
            f"  {row['type']}",
            _state(row["state"]),
            f"version {row['version']:03}",
            f"to {row['valid_until'] or '长期'}",
            row["license_id"].partition("1.2.156.3005.2.")[2],
        )
        for row in one["licenses"]
    ]
    return [
        f"Who held what on a day? 某人在 {one['day']} 持有：{len(rows)} licenses",
        *columns(rows),
    ]


def _known(one: Mapping[str, Any]) -> list[str]:
    return [
        f"What did we know then? 当时知道什么：{one['license_id']} on {one['day']}",
        f"  known at {one['known_then']}: {_state(one['then'])}",
        f"  known now, the suspension reported at {one['reported']}: "
        f"{_state(one['now'])}",
    ]


def _corrected(one: Mapping[str, Any]) -> list[str]:
    return [
        f"Which field was corrected, by whom? 更正：{one['license_id']}",
        *(
            f"  {name}: {old} → {new}, since the act that it corrects"
            for name, (old, new) in one["fields"].items()
        ),
        f"  by {one['by']}, {one['decision']} of {one['decided_on']} "
        f"(position {one['position']})",
    ]


def _late(one: Mapping[str, Any]) -> list[str]:
    return [
        f"Which act came late, and what did it overtake? 迟报：{one['license_id']}",
        f"  {_act(one['late'])} was in force from {one['late']['effective']}, "
        f"reported at {one['late']['recorded']} by {one['late']['by']}",
        *(
            f"  overtakes 覆盖 {_act(other)} of {other['effective']} "
            f"(position {other['position']})"
            for other in one["overtaken"]
        ),
    ]


def _act(line: Mapping[str, Any]) -> str:
    return f"{line['act']} {ACTS[line['act']].zh}"


def _state(state: str) -> str:
    return f"{state} {STATE_ZH[State(state)]}"
