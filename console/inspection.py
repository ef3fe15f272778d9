"""What readers ask: the state of the whole, one license, its history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from console.kafka_file import SINGLE_BROKER
from console.ledger import Ledger
from console.reading import Reader
from ledger.errors import Malformed, Unknown
from ledger.license import STATE_ZH, State
from ledger.lifecycle import shown_state, state_at
from ledger.registry import Registry
from ledger.sources import SEALS
from ledger.workdays import day_to_date, instant_text, legal_day
from projections import audit_trail, registry, timeline
from projections import license as licenses
from projections.audit_trail import AuditRow
from projections.license import LicenseRow
from projections.states import types_of
from projections.timeline import TimelineRow


def status(ledger: Ledger, *, as_of: int) -> dict[str, Any]:
    """Counts of the whole ledger; ``as_of`` (UTC µs) moves ``by_state`` only."""
    ends = {s: n for s, n in ledger.log.ends().items() if s != SEALS}
    known = ledger.registry()
    verdicts = audit_trail.count_by_verdict(ledger.views)
    by_state = licenses.count_by_state(ledger.views, legal_day(as_of), known)
    accepted = verdicts.pop("accepted", 0)
    kafka = ledger.settings.kafka
    return {
        "as_of": instant_text(as_of),
        "records": sum(ends.values()),
        "sealed": ledger.head.load().tip.tree_size,
        "projected": accepted + sum(verdicts.values()),
        "accepted": accepted,
        "refused": sum(verdicts.values()),
        "licenses": sum(by_state.values()),
        "by_state": dict(sorted(by_state.items())),
        "by_act": dict(sorted(timeline.count_by_act(ledger.views).items())),
        "by_refusal": dict(sorted(verdicts.items())),
        "vkey": ledger.vkey,
        "dsn": ledger.shown_dsn,
        "kafka": None if kafka is None else ",".join(kafka.bootstrap),
        "warnings": warnings(ledger),
    }


def warnings(ledger: Ledger) -> list[str]:
    """What an operator should know about how this ledger is kept."""
    found: list[str] = []
    kafka = ledger.settings.kafka
    if kafka is not None and kafka.single_broker:
        found.append(SINGLE_BROKER)
    if ledger.settings.passphrase is None and ledger.settings.own_passphrase.exists():
        found.append(
            "the key files' passphrase lies beside them in "
            f"{ledger.settings.own_passphrase.name}: whoever reads this directory can "
            "sign as this ledger"
        )
    return found


def license_row(ledger: Ledger, name: str) -> LicenseRow:
    """The license of an identifier or ``system:number``; raises Unknown."""
    row = licenses.find(ledger.views, name)
    if row is not None:
        return row
    system, colon, number = name.partition(":")
    if colon:
        rows = licenses.find_by_source(ledger.views, system, number)
        if len(rows) > 1:
            raise Malformed(
                "several licenses have this number",
                code="several_licenses",
                expected="one of their identifiers",
                found=", ".join(row.license_id for row in rows[:5]),
            )
        if rows:
            return rows[0]
    raise Unknown(
        "no such license",
        code="license_not_found",
        expected="a license identifier, or system:number as imported",
        where="this ledger",
    )


def show(ledger: Ledger, name: str, *, as_of: int, reader: Reader) -> dict[str, Any]:
    """One license as it shows on a day; personal values as ``reader`` may see them."""
    row = license_row(ledger, name)
    return shown_license(
        ledger, row, registry=ledger.registry(), as_of=as_of, reader=reader
    )


def shown_license(
    ledger: Ledger, row: LicenseRow, *, registry: Registry, as_of: int, reader: Reader
) -> dict[str, Any]:
    """The same of a license that is found already; ``registry`` as it is projected."""
    day = legal_day(as_of)
    folded = row.folded
    if day < row.settled_day:
        found = state_at(
            ledger.chain_of(row.license_id).acts,
            effective=as_of,
            known_at=ledger.clock(),
            types=types_of(registry, row.license_id),
        )
        if found is None:
            raise Unknown(
                "this license did not exist yet",
                code="license_not_yet",
                where=day_to_date(day).isoformat(),
            )
        folded = found
    state = shown_state(folded, day)
    kind = registry.license_type(row.type_code, folded.type_version)
    return {
        "license_id": row.license_id,
        "identifier": folded.identifier,
        "type": row.type_code,
        "type_name": kind.name if kind else "",
        "state": state.value,
        "state_zh": state_words(state, folded.after),
        "flags": list(folded.flags),
        "version": folded.version,
        "valid_from": _day(folded.valid_from),
        "valid_until": _day(folded.valid_until),
        "holders": reader.holders(row.license_id, folded.holders),
        "fields": reader.face(row.license_id, folded),
        "as_of": instant_text(as_of),
    }


def state_words(state: State, after: str) -> str:
    """The Chinese term of a state; what a cancelled license was before is part of it."""
    if state is State.CANC and after in STATE_ZH and after != State.VALID:
        return f"{STATE_ZH[State(after)]}后注销"
    return STATE_ZH[state]


def history(ledger: Ledger, name: str, *, everything: bool) -> dict[str, Any]:
    """A license's accepted events, and with ``everything`` its refused ones, in order."""
    row = license_row(ledger, name)
    accepted = {
        r.position: r for r in timeline.timeline_of(ledger.views, row.license_id)
    }
    trail = audit_trail.audit_of(ledger.views, row.license_id)
    since = compromised_keys(ledger)
    return {
        "license_id": row.license_id,
        "events": [
            _event(audit, accepted.get(audit.position), since)
            for audit in trail
            if everything or audit.verdict == "accepted"
        ],
    }


def compromised_keys(ledger: Ledger) -> dict[str, int]:
    """Key id (hex) -> since when (UTC µs) that key is reported as compromised."""
    return {
        row.key_id.hex(): row.compromised_since
        for row in registry.keys(ledger.views)
        if row.compromised_since is not None
    }


def in_doubt(audit: AuditRow, since: Mapping[str, int]) -> bool:
    """Whether a key compromised by then signed it, by its own time or the ledger's.

    A flag for people (COMPROMISE): the verdict stands as it is.
    """
    latest = max(audit.signed_at or 0, audit.recorded_at)
    return any(latest > since[key] for key in audit.signers or () if key in since)


def _event(
    audit: AuditRow, line: TimelineRow | None, since: Mapping[str, int]
) -> dict[str, Any]:
    doubt = ["key_compromised"] if in_doubt(audit, since) else []
    return {
        "position": audit.position,
        "sequence": audit.sequence,
        "act": audit.act,
        "effective_at": _instant(audit.effective_at),
        "recorded_at": _instant(audit.recorded_at),
        "verdict": "accepted" if line else "refused",
        "refusal": None if line else audit.verdict,
        "changed": line.changed if line else {},
        "signers": list(audit.signers or ()),
        "event_digest": audit.digest.hex() if audit.digest else None,
        "state_before": line.state_before if line else None,
        "state_after": line.state_after if line else None,
        "flags": [*(line.flags if line else ()), *doubt],
    }


def _day(day: int | None) -> str | None:
    return None if day is None else day_to_date(day).isoformat()


def _instant(us: int | None) -> str | None:
    return None if us is None else instant_text(us)


def value_words(value: Any) -> str:
    """A value for people: a list by its items, a row by its cells."""
    if value is None:
        return "-"
    if isinstance(value, list):
        return ", ".join(map(value_words, value))
    if isinstance(value, dict):
        if value.keys() == {"kind", "ref", "code"}:
            return f"{value['kind']} {value['code']}"
        return " ".join(f"{name}={one}" for name, one in value.items())
    return str(value)


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns of text under headings, for people."""
    widths = [
        max(len(line[i]) for line in (headings, *rows)) for i in range(len(headings))
    ]
    lines = [
        "  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip()
        for line in (headings, *rows)
    ]
    return "\n".join(lines)
