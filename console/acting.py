"""One act from a file to a verdict, and the filled forms that show how to write one."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

from console.event_file import draft_of, license_id_of, parse_event_file
from console.ledger import Ledger, Named
from ledger.catalogue import LicenseType
from ledger.clear_values import shows_citizen_number
from ledger.drafting import Draft
from ledger.errors import Malformed, Refused
from ledger.events import Event
from ledger.lifecycle import ACTS, ActRule
from ledger.publish import RoleSigner, Signed, sign
from ledger.refusals import REFUSALS
from ledger.workdays import day_to_date, legal_day
from projections.text import harmless

_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
SERIAL_SIZE: Final = 16
MAIN_ROLE, JOINT_ROLE = 1, 2


def act_from_file(
    ledger: Ledger, act: str, text: str, *, keys: Sequence[Path]
) -> dict[str, Any]:
    """Publishes the act that ``text`` describes and returns its verdict.

    A citizen number in clear is never published: it comes back as
    ``clear_personal_data`` without a position.
    """
    draft, kind = draft_from_file(
        ledger, act, text, authority=authority_of(ledger, keys)
    )
    signers = signers_of(ledger, keys, roles=kind.signatures.get(act, ()))
    try:
        event = clean_event(ledger, draft, kind, signers)
    except Refused as refused:
        return held_back(ledger, draft.license_id, refused)
    signed = sign(event, signers, partitions=ledger.partitions)
    return publish_and_wait(ledger, signed, event)


def draft_from_file(
    ledger: Ledger, act: str, text: str, *, authority: str
) -> tuple[Draft, LicenseType]:
    """What an event file means on the ledger as it stands now, and its license type."""
    rule_of(act)
    document = parse_event_file(text)
    license_id = license_id_of(act, document, authority=authority, draw=draw_serial)
    ledger.catch_up()
    kind = ledger.type_of(license_id)
    draft = draft_of(
        act,
        document,
        license_id=license_id,
        kind=kind,
        authority=authority,
        now=ledger.clock(),
    )
    return draft, kind


def clean_event(
    ledger: Ledger, draft: Draft, kind: LicenseType, signers: Sequence[Named]
) -> Event:
    """The event of a draft; raises Refused where a citizen number would go in clear."""
    event = ledger.draft(draft, signers)
    demand_clean(event, kind, today=day_to_date(legal_day(ledger.clock())))
    return event


def demand_clean(event: Event, kind: LicenseType, *, today: date) -> None:
    """Raises Refused where an event shows a citizen number: it could not be taken back."""
    if shows_citizen_number(event, kind, today=today):
        detail = REFUSALS["clear_personal_data"].remedy
        raise Refused(detail, code="clear_personal_data")


def publish_and_wait(ledger: Ledger, signed: Signed, event: Event) -> dict[str, Any]:
    """Publishes one signed act on a license and returns its verdict."""
    row = ledger.await_verdict(ledger.publish([signed])[0])
    accepted = row.verdict == "accepted"
    return {
        "verdict": "accepted" if accepted else "refused",
        "refusal": None if accepted else row.verdict,
        "position": row.position,
        "license_id": event["subject"],
        "sequence": event["sequence"],
        "event_digest": signed.digest.hex(),
        "detail": row.detail,
    }


def signers_of(
    ledger: Ledger, keys: Sequence[Path], *, roles: Sequence[int] = ()
) -> list[RoleSigner]:
    """The keys that sign: in the roles that the type asks for, the main one first.

    A key more than there are roles signs jointly; admission says whether it may.
    """
    if not keys:
        return ledger.signers()
    wanted = [*(roles or (MAIN_ROLE,)), *[JOINT_ROLE] * len(keys)]
    pairs = [ledger.ring.open_any(path) for path in keys]
    return [
        RoleSigner(signer=ledger.ring.signer_of(pair), role=role)
        for pair, role in zip(pairs, wanted, strict=False)
    ]


def authority_of(ledger: Ledger, keys: Sequence[Path]) -> str:
    """The recording authority: whose the main key is."""
    if keys:
        return ledger.ring.open_any(keys[0]).authority
    return ledger.ring.department()


def draw_serial() -> str:
    """A random serial (流水号) for a license that its file gives none."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(SERIAL_SIZE))


def held_back(ledger: Ledger, license_id: str, refused: Refused) -> dict[str, Any]:
    """The verdict of an act that was not published, because it would be refused."""
    today = day_to_date(legal_day(ledger.clock()))
    return {
        "verdict": "refused",
        "refusal": refused.code,
        "position": None,
        # Somebody's number may stand in its serial.
        "license_id": harmless(license_id, latest=today),
        "sequence": None,
        "event_digest": None,
        "detail": str(refused),
    }


def rule_of(act: str) -> ActRule:
    """The lifecycle's rule of an act; raises Malformed for a name that is none."""
    rule = ACTS.get(act)
    if rule is None:
        raise Malformed(
            "no such act",
            code="no_such_act",
            expected=", ".join(sorted(ACTS)),
            found=act[:40] if act.isprintable() else ascii(act)[:40],
        )
    return rule


def example_of(act: str) -> dict[str, Any]:
    """A filled form for an act, ready to edit; raises Malformed for an unknown act."""
    rule = rule_of(act)
    form: dict[str, Any] = {}
    if rule.opens:
        form["type"] = "11100000MB0143028R001"
        form["serial"] = "2026000000000001"
        form["holders"] = [{"kind": "001", "code": "91210100MA0TE5T168"}]
    else:
        form["license_id"] = (
            "1.2.156.3005.2.11100000MB0143028R001.11210000999990010U.2026000000000001"
        )
    form["effective_at"] = "2026-11-01"
    fields = dict(_FIELDS.get(act, {}))
    if rule.face == "whole":
        fields = {**_WHOLE_FACE, **fields}
    if rule.decision_required:
        form["decision"] = {
            "number": "沈市监决〔2026〕12号",
            "date": "2026-11-01",
            "reason_code": "on_application",
            "reason": "words for the file, encrypted",
        }
    if rule.cause != "none":
        form["causes"] = ["0" * 64]
    if fields:
        form["fields"] = fields
    return form


_WHOLE_FACE: Final[dict[str, Any]] = {
    "address": "沈阳市和平区示范路1号",
    "capital": "100",
    "founded_on": "2026-11-01",
    "legal_rep": "示例",
    "name": "沈阳示例有限公司",
    "registration_status": "存续",
    "scope": "软件开发",
    "type": "有限责任公司",
    "uscc": "91210100MA0TE5T168",
    "valid_from": "2026-11-01",
    "valid_until": None,
}
_FIELDS: Final[dict[str, dict[str, Any]]] = {
    "CHANGE": {"address": "沈阳市浑南区示范路2号"},
    "RENEW": {"valid_from": "2026-11-01", "valid_until": "2031-10-31"},
    "REPLACE": {"valid_until": "2031-10-31"},
    "CORRECT": {"name": "沈阳示例科技有限公司"},
    "SUSPEND": {"term_until": "2026-12-31"},
    "PAUSE": {"term_until": "2026-12-31"},
    "ANNUL": {"effect_from": "2026-11-01"},
    "CANCEL": {"ground": "6"},
    "MARK": {"mark": "lost", "mark_on": True, "mark_date": "2026-11-01"},
    "LINK": {"continues_as": "1.2.156.3005.2.…"},
    "TRANSFER_IN": {"previous_identifier": "1.2.156.3005.2.…"},
    "VOID_VERSION": {"version": 1},
}
