"""What the demonstration has to show for itself: one document, and words to read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from console.demo.answer_words import question_blocks
from console.demo.desk import DemoDesk
from console.demo.offices import BUREAU, offices
from console.demo.proving import prove
from console.demo.questions import answers
from console.demo.run import Ran
from console.demo.story import Story
from console.output import columns
from ledger.drafting import Draft
from ledger.identifiers import parse_license_id
from ledger.license import STATE_ZH, State
from ledger.lifecycle import ACTS
from ledger.refusals import ACCEPTED, REFUSALS
from ledger.workdays import DAY_US

KEPT = "province"


def summary(
    desk: DemoDesk, story: Story, ran: Ran, *, seconds: float, kept: Path | None
) -> dict[str, Any]:
    """What ``demo --json`` prints; ``kept``: the ledger's directory if it stays."""
    status, proofs = desk.status(), prove(desk, story, ran)
    return {
        "seed": story.seed,
        "dir": None if kept is None else str(kept),
        "seconds": round(seconds, 1),
        "offices": [
            {"name": one.name, "uscc": one.uscc}
            for one in (BUREAU, *offices(large=story.large))
        ],
        "size": size(story, ran),
        "records": status["records"],
        "accepted": status["accepted"],
        "refused": status["refused"],
        "licenses": status["licenses"],
        "by_act": status["by_act"],
        "by_state": status["by_state"],
        "by_refusal": status["by_refusal"],
        "attempts": [
            {"refusal": one.told.code, "what": one.step.told}
            for one in ran.outcomes
            if one.told.code != ACCEPTED
        ],
        "answers": answers(desk, story),
        "history": desk.history(story.shown),
        "receipt": proofs.receipt,
        "forgeries": list(proofs.forgeries),
        "erased": {
            "license_id": story.erased,
            "field": "name",
            "before": ran.erased.before,
            "after": ran.erased.after,
            "position": ran.erased.position,
            "write_refused": ran.erased.write_refused,
            "receipt_still_holds": list(proofs.after_erasure),
        },
        "next": _next(story, kept),
        "vkey": status["vkey"],
    }


def words(document: Mapping[str, Any]) -> str:
    """The same for people."""
    receipt, erased = document["receipt"], document["erased"]
    blocks = [
        _headline(document),
        _side_by_side(
            ("Acts 行为", _counts(document["by_act"], _act_zh)),
            ("States 状态", _counts(document["by_state"], _state_zh)),
            ("Refusals 拒绝", _counts(document["by_refusal"], _refusal_zh)),
        ),
        ["What was tried and did not get in:", *_attempts(document["attempts"])],
        *question_blocks(document["answers"]),
        [
            f"One license with both its times: {document['history']['license_id']}",
            *_history(document["history"]["events"]),
            "  late 迟报: in force before an act that was in the ledger already",
        ],
        [
            f"One receipt verified: {receipt['act']} at position {receipt['position']}, "
            f"{receipt['signers']} seals, a tree of {receipt['tree_size']} records",
            *(f"  ✓ {step}" for step in receipt["steps"]),
        ],
        ["Forgeries refused:", *_forgeries(document["forgeries"])],
        [
            f"One key destroyed (position {erased['position']}): the holder's name on "
            f"{erased['license_id']}",
            f"  before {erased['before']}   after {erased['after']}; a new event for "
            f"that pair: {erased['write_refused']}",
            f"  its receipt still holds: {erased['receipt_still_holds'][-1]}",
        ],
        ["What to try next:", *(f"  {line}" for line in document["next"])],
    ]
    return "\n\n".join("\n".join(block) for block in blocks)


def size(story: Story, ran: Ran) -> dict[str, int]:
    """How large the province is: what was accepted, for whom, where, by whom."""
    accepted = [
        one.step.what
        for one in ran.outcomes
        if one.told.code == ACCEPTED and isinstance(one.step.what, Draft)
    ]
    all_offices = (BUREAU, *offices(large=story.large))
    days = [one.effective_at for one in accepted]
    return {
        "events": len(accepted),
        "acts": len({one.act for one in accepted}),
        "types": len({parse_license_id(one.license_id).type_code for one in accepted}),
        "holders": len(
            {(h.kind, h.code) for one in accepted for h in one.holders or ()}
        ),
        "cities": len({o.area[:4] for o in all_offices if o.area[2:4] != "00"}),
        "departments": len({o.handle.partition("-")[0] for o in all_offices}),
        "years": (max(days) - min(days)) // (365 * DAY_US),
    }


def _headline(document: Mapping[str, Any]) -> list[str]:
    of = document["size"]
    return [
        f"A province in {document['seconds']} s: {document['accepted']:,} records "
        f"accepted, {document['refused']} refused (seed {document['seed']}).",
        f"{of['events']:,} acts of {of['acts']} kinds over {of['years']} years on "
        f"{document['licenses']:,} licenses of {of['types']} types;",
        f"{of['holders']:,} holders, {len(document['offices'])} offices of "
        f"{of['departments']} kinds, {of['cities']} cities.",
    ]


def _next(story: Story, kept: Path | None) -> list[str]:
    command = "license-ledger"
    place = f"--dir {KEPT if kept is None else kept}"
    founding = [f"{command} demo {place}"] if kept is None else []
    return [
        *founding,
        f"{command} status {place}",
        f"{command} history {story.shown} {place}",
        f"{command} show {story.proved} {place}",
        f"{command} trace {story.asked.corrected} legal_rep {place}",
        f"{command} receipt {story.proved} --out receipt.json {place}",
        f"{command} verify receipt.json {place}",
        f"{command} audit {place}",
        f"{command} act --example ISSUE",
    ]


# --- words ------------------------------------------------------------------------


def _act_zh(act: str) -> str:
    return ACTS[act].zh


def _state_zh(state: str) -> str:
    return STATE_ZH[State(state)]


def _refusal_zh(code: str) -> str:
    return REFUSALS[code].zh


def _counts(counts: Mapping[str, int], zh: Any) -> list[str]:
    rows = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    return columns([(str(count), name, zh(name)) for name, count in rows], right=0)


def _attempts(attempts: Sequence[Mapping[str, str]]) -> list[str]:
    told = dict.fromkeys((one["refusal"], one["what"]) for one in attempts)
    return columns(
        [("  ✗", what, code, _refusal_zh(code)) for code, what in told], right=None
    )


def _history(events: Sequence[Mapping[str, Any]]) -> list[str]:
    heading = ("  #", "act", "in force from 生效", "recorded 入账", "state", "")
    return columns(
        [
            heading,
            *(
                (
                    f"  {one['sequence']}",
                    f"{one['act']} {_act_zh(one['act'])}",
                    one["effective_at"][:10],
                    one["recorded_at"][:19],
                    one["state_after"] or "",
                    " ".join(one["flags"]),
                )
                for one in events
            ),
        ],
    )


def _forgeries(forgeries: Sequence[Mapping[str, str]]) -> list[str]:
    return [
        f"  ✗ {one['what']}: {one['refused']}, {one['because']}" for one in forgeries
    ]


def _side_by_side(*tables: tuple[str, list[str]]) -> list[str]:
    """Tables beside each other, each under its heading."""
    stacks = [[heading, *lines] for heading, lines in tables]
    height = max(map(len, stacks))
    filled = [column + [""] * (height - len(column)) for column in stacks]
    return columns(list(zip(*filled, strict=True)))
