"""A freshly founded ledger and events for it: 8 fields, 2 of them encrypted.

Drafting and signing are the publishers' work, spread over many machines in a province;
they are done before the clock starts.
"""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from console.founding import found_ledger
from console.key_ring import DEPARTMENT
from console.ledger import Ledger
from console.registering import Registrar
from console.settings import Settings
from console.wiring import open_ledger
from ledger.catalogue import LicenseType, parse_type
from ledger.drafting import Draft, DraftKeys, Position, draft_event
from ledger.events import Event
from ledger.log.kafka_settings import KafkaPlace
from ledger.log.key_store import KeyRequest
from ledger.publish import RoleSigner, Signed, sign, sign_together
from ledger.workdays import date_to_day, day_start

DEPARTMENT_USCC = "11210000999990010U"
TYPE_CODE = DEPARTMENT_USCC + "950"
BATCH = 1_000
_HOLDER = ("001", "91210100MA0TE5T168")


def _type() -> LicenseType:
    fields = {
        f"field_{n}": {
            "zh": f"字段{n}",
            "value": "s",
            "mandatory": True,
            "data_class": 3 if n < 2 else 1,
        }
        for n in range(8)
    }
    return parse_type(
        {
            "code": TYPE_CODE,
            "code_status": "placeholder",
            "source_rows": 0,
            "name": "计量用证照",
            "name_en": "bench licence",
            "definer": DEPARTMENT_USCC,
            "definer_name": "bench",
            "definer_level": "province",
            "issuer_level": "province",
            "issuer_name": "bench",
            "holder_category": "organisation",
            "holders_max": 1,
            "current_per_holder": "many",
            "validity": ["长期"],
            "acts": ["ISSUE", "CHANGE", "RENEW", "CANCEL"],
            "grace_days": 0,
            "late_renewal": False,
            "auto_extension": False,
            "resume_on_application": False,
            "horizon_days": 30,
            "retention": "long",
            "fields": fields,
        }
    )


@contextmanager
def founded(kafka: KafkaPlace | None = None) -> Iterator[Ledger]:
    """A new ledger in a temporary directory, with the bench type registered."""
    with tempfile.TemporaryDirectory(prefix="license-ledger-bench-") as folder:
        settings = Settings(
            directory=Path(folder) / "ledger", kafka=kafka, passphrase=b"bench"
        )
        found_ledger(
            settings,
            name="bench.example",
            partitions=12,
            random_bytes=secrets.token_bytes,
            told=lambda _: None,
        )
        with open_ledger(settings) as ledger:
            registrar = Registrar(ledger, signers=ledger.root_signers(), authority="")
            registrar.license_type(_type())
            registrar.publish()
            yield ledger


def issue_events(
    ledger: Ledger, count: int, *, prefix: str
) -> tuple[list[Event], list[RoleSigner]]:
    """So many ISSUE events, each of a license of its own, not signed yet."""
    kind = ledger.type_of(f"1.2.156.3005.2.{TYPE_CODE}.{DEPARTMENT_USCC}.1")
    signers = [RoleSigner(signer=ledger.ring.signer(DEPARTMENT, purpose="act"))]
    entries = [one.entry for one in signers]
    ref = ledger.key_store.holder_refs([_HOLDER])[0]
    ids = [
        f"1.2.156.3005.2.{TYPE_CODE}.{DEPARTMENT_USCC}.{prefix}{n:08}"
        for n in range(count)
    ]
    keys = ledger.key_store.issue(
        [KeyRequest(license_id=one, holder_refs=(ref,)) for one in ids]
    )
    now = ledger.clock()
    day = day_start(date_to_day("2026-01-05"))
    events: list[Event] = []
    for license_id, issued in zip(ids, keys, strict=True):
        draft = Draft(
            act="ISSUE",
            license_id=license_id,
            effective_at=day,
            authority=DEPARTMENT_USCC,
            fields={f"field_{n}": f"{secrets.token_hex(6)}" for n in range(8)}
            | {"valid_from": "2026-01-05", "valid_until": None},
        )
        events.append(
            draft_event(
                draft,
                origin=ledger.origin,
                kind=kind,
                position=Position(version=1),
                keys=DraftKeys(
                    event_id=issued.event_id,
                    holders=({"kind": _HOLDER[0], "ref": ref, "code": _HOLDER[1]},),
                    event_keys=issued.event_keys,
                ),
                signed_at=now,
                signers=entries,
                random_bytes=secrets.token_bytes,
            )
        )
    return events, signers


def signed_alone(ledger: Ledger, count: int, *, prefix: str) -> list[Signed]:
    """Events with a signature of their own each."""
    events, signers = issue_events(ledger, count, prefix=prefix)
    return [sign(event, signers, partitions=ledger.partitions) for event in events]


def signed_in_batches(ledger: Ledger, count: int, *, prefix: str) -> list[Signed]:
    """Events under one signature per thousand."""
    events, signers = issue_events(ledger, count, prefix=prefix)
    made: list[Signed] = []
    for start in range(0, count, BATCH):
        made += sign_together(
            events[start : start + BATCH],
            signers,
            batch_ids=[secrets.token_bytes(16)],
            partitions=ledger.partitions,
        )
    return made
