"""Verdicts made by hand, for tests of what the projections do with them."""

from __future__ import annotations

import hashlib
from typing import Any

from ledger.admission import Verdict
from ledger.events import Event
from ledger.facts import act_of
from ledger.license import FaceValue, License
from ledger.license_identifiers import LicenseId
from ledger.refusals import ACCEPTED
from ledger.workdays import day_start, legal_day

AUTHORITY = "11210000999990010U"
TYPE = "11210000999990010U014"
DAY = 20_700
HOLDER = bytes(range(32))
KEY = bytes(31) + b"\x07"


def license_id(serial: str) -> str:
    return str(LicenseId(type_code=TYPE, issuer=AUTHORITY, serial=serial))


def digest_of(text: str) -> bytes:
    return hashlib.new("sm3", text.encode()).digest()


def make_event(subject: str, **changed: Any) -> Event:
    event: dict[str, Any] = {
        "event_id": digest_of(subject)[:16],
        "origin": bytes(16),
        "chain": "license",
        "subject": subject,
        "sequence": 1,
        "previous": bytes(32),
        "act": "ISSUE",
        "type_version": 1,
        "effective_at": day_start(DAY),
        "effective_precision": "day",
        "signed_at": day_start(DAY),
        "authority": AUTHORITY,
        "deciding_authority": "",
        "decision": None,
        "matter": {
            "item_code": "",
            "case_number": "",
            "source_system": "chicago",
            "source_ref": "row-1",
            "operator": "op-1",
            "reviewer": "",
            "approver": "ap-1",
            "assurance": "",
        },
        "channel": "window",
        "medium": "electronic",
        "paper_serial": "",
        "holders": [{"kind": "099", "ref": HOLDER, "code": ""}],
        "signers": [{"key_id": KEY, "role": 1, "algorithm": 1}],
        "fields": [],
        "causes": [],
        "file": None,
        "flags": None,
    }
    return {**event, **changed}  # type: ignore[typeddict-item]


def accepted(
    event: Event,
    *,
    position: int,
    before: License | None = None,
    after: License | None = None,
    ordinal: int | None = None,
    flags: tuple[str, ...] = (),
) -> Verdict:
    """An accepted act; without ``after`` the license that the act alone would make."""
    digest = digest_of(f"{event['subject']} {event['sequence']}")
    act = act_of(event, position=position, digest=digest, recorded_at=1_790 * 10**12)
    return Verdict(
        position=position,
        source="events-0",
        ordinal=position if ordinal is None else ordinal,
        seal_no=1,
        recorded_at=1_790 * 10**12,
        code=ACCEPTED,
        leaf=digest_of(f"leaf {position}"),
        digest=digest,
        body=b"body",
        event=event,
        act=act,
        before=before,
        after=after or make_license(event, position=position),
        flags=flags,
    )


def make_license(event: Event, *, position: int, **changed: Any) -> License:
    values: dict[str, Any] = {
        "opening": "ISSUE",
        "type_version": 1,
        "version": event["sequence"],
        "identifier": f"{event['subject']}.{event['sequence']:03d}.X",
        "valid_from": DAY,
        "valid_until": DAY + 365,
        "holders": tuple((h["kind"], h["ref"], h["code"]) for h in event["holders"]),
        "face": {
            field["name"]: FaceValue(
                value=field["value"],
                position=position,
                event_id=event["event_id"],
                since_day=legal_day(event["effective_at"]),
            )
            for field in event["fields"]
            if field["name"] != "area"
        },
        "area": "210100",
        "last_day": legal_day(event["effective_at"]),
    }
    return License(**{**values, **changed})


def refused(
    code: str, *, position: int, event: Event | None = None, ordinal: int | None = None
) -> Verdict:
    return Verdict(
        position=position,
        source="events-0",
        ordinal=position if ordinal is None else ordinal,
        seal_no=1,
        recorded_at=1_790 * 10**12,
        code=code,
        leaf=digest_of(f"leaf {position}"),
        digest=digest_of(f"refused {position}") if event else b"",
        event=event,
    )
