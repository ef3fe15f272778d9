"""What ``import --check`` found, in lines for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, Final

from console.importer.check import CheckResult
from console.importer.reasons import said
from console.inspection import value_words
from ledger.license import STATE_ZH, State


def summary(found: CheckResult) -> Sequence[str]:
    """The result in lines for people."""
    once = " (once what is missing is there)" if found.missing else ""
    lines = [
        f"nothing was written; {found.rows} rows: {found.rows_accepted} would be "
        f"accepted{once}, {found.rows_unchanged} unchanged, "
        f"{found.rows_rejected} rejected",
        f"type {found.type_code} {found.type_name}: {_STATES[found.type_state]}",
        *(f"  {act}: {count}" for act, count in sorted(found.events.items())),
        *(
            f"  of these come in as {state} {STATE_ZH[State(state)]}: {count}"
            for state, count in sorted(found.states.items())
        ),
    ]
    if found.endless:
        terms = "、".join(found.terms)
        lines.append(
            f"  无有效期截止日 without a last day: {found.endless}; "
            f"the type's terms are {terms}"
        )
    if found.rows_legacy:
        lines.append(f"{found.rows_legacy} holders by 15-digit citizen numbers")
    lines += [f"missing: {what}" for what in found.missing]
    lines += [
        f"rejected, {reason}: {count} ({said(reason)[0]})"
        for reason, count in sorted(found.reasons.items())
    ]
    lines += [
        f"  line {one.line} {one.column}: {one.reason}"
        + (f", expected {one.expected}" if one.expected else "")
        for one in found.rejects
    ]
    return [*lines, *chain.from_iterable(map(_example_lines, found.examples))]


_STATES: Final[Mapping[str, str]] = {
    "in force": "in force",
    "added": "would be added to the registry first",
    "changed": "would be changed in the registry first",
    "missing": "is not in this ledger",
}


def _example_lines(example: Mapping[str, Any]) -> list[str]:
    acts = ", ".join(f"{one['act']} {one['day']}" for one in example["acts"])
    return [
        f"for example line {example['line']}: {acts}",
        f"  {example['license_id']}",
        f"  holder {example['holder']['kind']} {example['holder']['code']}",
        *(
            f"  {name}: {value_words(value)}"
            for name, value in example["fields"].items()
            if value is not None
        ),
    ]
