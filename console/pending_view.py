"""What a pending joint act says, computed from its bytes: what one is about to sign.

Nothing here is a caption of the file. Without the ledger (offline) values that are
encrypted stay closed, and keys have no names.
"""

from __future__ import annotations

from typing import Any

from console.cosigning import foreseen
from console.ledger import Ledger
from console.reading import CLOSED, Reader
from ledger.admission import Verdict
from ledger.errors import LedgerError
from ledger.events import Event
from ledger.license import STATE_ZH, License, State
from ledger.lifecycle import ACTS, shown_state
from ledger.pending import PendingAct
from ledger.refusals import ACCEPTED, REFUSALS
from ledger.workdays import day_to_date, instant_text, legal_day
from projections import shown
from projections.text import harmless

ROLES = {1: "main 主办", 2: "joint 联合签章", 3: "superior 跨层级签章"}


def document_of(
    pending: PendingAct, *, ledger: Ledger | None, reader: Reader | None, now: int
) -> dict[str, Any]:
    """Everything that a signer should know; personal values as ``reader`` may see them.

    Whoever made the file may have put a citizen number in clear anywhere: `withheld`.
    """
    event = pending.event
    verdict = None if ledger is None else foreseen(ledger, pending)
    rule = ACTS.get(event["act"])
    values = _closed(event) if reader is None else reader.event(event)
    reason = values.pop("decision.reason", "")
    return {
        "event_digest": pending.digest.hex(),
        "ledger": ledger.origin_line if ledger else event["origin"].hex(),
        "act": event["act"],
        "act_zh": rule.zh if rule else _OTHER_ACTS.get(event["act"], ""),
        "subject": event["subject"],
        "type_name": _type_name(ledger, event),
        "sequence": event["sequence"],
        "previous": event["previous"].hex(),
        "authority": event["authority"],
        "authority_name": _name(ledger, event["authority"]),
        "deciding_authority": event["deciding_authority"],
        "effective_at": instant_text(event["effective_at"]),
        "signed_at": instant_text(event["signed_at"]),
        "decision": _decision(event, reason),
        "holders": _holders(event, reader),
        "fields": values,
        "causes": [cause.hex() for cause in event["causes"]],
        **state_of(pending, ledger=ledger, verdict=verdict, now=now),
        **_states(event, verdict),
    }


def state_of(
    pending: PendingAct, *, ledger: Ledger | None, verdict: Verdict | None, now: int
) -> dict[str, Any]:
    """How far the signing is; ``verdict_now`` None: the ledger was not asked."""
    if pending.refusals:
        state = "refused"
    elif verdict is not None and verdict.code == "duplicate":
        state = "published"
    elif now > pending.until:
        state = "expired"
    elif verdict is not None and verdict.code in ("stale", "gap"):
        state = "moved"
    else:
        state = "waiting" if pending.missing else "complete"
    return {
        "state": state,
        "state_zh": _STATES_ZH[state],
        "until": instant_text(pending.until),
        "proposed_by": _key(ledger, pending.proposer),
        "signers": [
            {
                **_key(ledger, signer["key_id"]),
                "role": signer["role"],
                **_said(pending, signer["key_id"]),
            }
            for signer in pending.event["signers"]
        ],
        "missing": [one.hex() for one in pending.missing],
        "verdict_now": None
        if verdict is None
        else {"code": verdict.code, "detail": verdict.detail},
    }


_OTHER_ACTS = {"DESTROY": "销毁"}
_STATES_ZH = {
    "waiting": "待签",
    "complete": "已签齐",
    "refused": "已拒签",
    "expired": "已逾期",
    "moved": "链头已变",
    "published": "已入账",
}


def _said(pending: PendingAct, key: bytes) -> dict[str, Any]:
    said = pending.refusals.get(key)
    if said is not None:
        return {"said": "refused", "reason": said.reason, "at": instant_text(said.at)}
    signed = key in pending.signatures
    return {"said": "signed" if signed else "nothing", "reason": "", "at": None}


def _key(ledger: Ledger | None, key_id: bytes) -> dict[str, Any]:
    key = None if ledger is None else ledger.registry().key(key_id)
    authority = "" if key is None else key.authority
    return {
        "key_id": key_id.hex(),
        "authority": authority,
        "name": _name(ledger, authority),
    }


def _name(ledger: Ledger | None, uscc: str) -> str:
    organ = None if ledger is None else ledger.registry().authority(uscc)
    return "" if organ is None else organ.name


def _type_name(ledger: Ledger | None, event: Event) -> str:
    if ledger is None or event["chain"] != "license":
        return ""
    try:
        return ledger.type_of(event["subject"]).name
    except LedgerError:
        return ""


def _closed(event: Event) -> dict[str, Any]:
    """Fields as one sees them who has no key store: encrypted values stay closed."""
    return {
        field["name"]: CLOSED
        if isinstance(field["value"], bytes)
        else shown.clear(field["value"])
        for field in event["fields"]
    }


def _decision(event: Event, reason: Any) -> dict[str, Any] | None:
    given = event["decision"]
    if given is None:
        return None
    if given["reason"] and not reason:
        reason = CLOSED
    return {
        "number": given["number"],
        "date": given["date"],
        "reason_code": given["reason_code"],
        "document": given["document"],
        "reason": reason,
    }


def _holders(event: Event, reader: Reader | None) -> list[dict[str, str]]:
    held = tuple((h["kind"], h["ref"], h["code"]) for h in event["holders"])
    if reader is not None:
        return reader.holders(event["subject"], held)
    return [{"kind": k, "ref": r.hex(), "code": c or CLOSED} for k, r, c in held]


def _states(event: Event, verdict: Verdict | None) -> dict[str, Any]:
    """The license's states before and after, on the effective day, were it accepted."""
    if verdict is None or not verdict.accepted or event["chain"] != "license":
        return {"state_before": None, "state_after": None}
    day = legal_day(event["effective_at"])

    def on_day(license_: License | None) -> str:
        return State.NONE if license_ is None else shown_state(license_, day)

    return {
        "state_before": on_day(verdict.before),
        "state_after": on_day(verdict.after),
    }


def withheld(shown_to_all: Any, *, now: int) -> Any:
    """The same without citizen numbers in clear, wherever they stand."""
    match shown_to_all:
        case str(text):
            return harmless(text, latest=day_to_date(legal_day(now)))
        case dict(members):
            return {name: withheld(one, now=now) for name, one in members.items()}
        case list(items):
            return [withheld(one, now=now) for one in items]
        case other:
            return other


def text_of(document: dict[str, Any]) -> str:
    """The same for people."""
    lines = [
        f"{document['act']} {document['act_zh']}  {document['type_name']}",
        f"  on 证照        {document['subject']}",
        f"  by 主办机构    {document['authority']} {document['authority_name']}",
        f"  effective 生效 {document['effective_at']}",
    ]
    if document["deciding_authority"]:
        lines.append(f"  decided by 决定机构 {document['deciding_authority']}")
    if document["decision"]:
        said = document["decision"]
        words = (said["number"], said["date"], said["reason_code"], said["reason"])
        lines.append("  decision 决定  " + " ".join(word for word in words if word))
    lines += [f"  holder 持证主体 {h['kind']} {h['code']}" for h in document["holders"]]
    lines += [f"  {name}: {value}" for name, value in document["fields"].items()]
    lines += [f"  names event 所指 {cause}" for cause in document["causes"]]
    if document["state_after"]:
        before, after = document["state_before"], document["state_after"]
        lines.append(
            f"  state 状态     {before} {STATE_ZH[State(before)]} -> "
            f"{after} {STATE_ZH[State(after)]}"
        )
    lines.append(f"event {document['event_digest']}, sequence {document['sequence']}")
    return "\n".join([*lines, signing_text(document)])


def signing_text(document: dict[str, Any]) -> str:
    """How far the signing is, for people."""
    lines = [f"{document['state']} {document['state_zh']}, until {document['until']}"]
    for one in document["signers"]:
        who = f"{one['authority']} {one['name']}".strip() or "key"
        words = f"  {_SAID[one['said']]:<12} {ROLES[one['role']]}  {who}"
        lines.append(f"{words}  {one['key_id'][:16]}…")
        if one["reason"]:
            lines.append(f"               {one['at']}: {one['reason']}")
    verdict = document["verdict_now"]
    if verdict is None:
        lines.append("the ledger was not asked 未查账")
    elif verdict["code"] != ACCEPTED:
        zh = REFUSALS[verdict["code"]].zh
        lines.append(
            f"the ledger would say {verdict['code']} {zh}: {verdict['detail']}"
        )
    return "\n".join(lines)


_SAID = {"signed": "signed 已签", "refused": "refused 拒签", "nothing": "waiting 待签"}
