"""What an import would do, told without doing it (``import --check``).

The same rows are read, planned and judged as an import would; nothing is sealed, signed,
drawn or published, and nothing is left on disk.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, Final

from console.importer.desk import ImportDesk
from console.importer.intake import Intake, Progress, take_in
from console.importer.license_type import check_fits, packaged_type, type_of
from console.importer.mapping import StockMapping
from console.importer.planner import Planner
from console.importer.proposed import OPENING_ACTS, ChainPlan
from console.importer.rejects import Reject
from console.importer.run import ROWS_AT_ONCE
from console.importer.source_table import SourceTable
from console.importer.staging import Staging
from console.importer.terms import terms_are_years
from console.importer.trial import holder_of, stand_in
from console.reading import masked
from ledger.authorities import may_act
from ledger.catalogue import LicenseType, type_rows
from ledger.field_checks import must_encrypt
from ledger.holders import is_person_kind
from ledger.identifiers import mask
from ledger.registry import Registry
from ledger.workdays import day_to_date, legal_day
from projections.shown import clear

EXAMPLES: Final = 3
REJECTS_SHOWN: Final = 20


@dataclass(slots=True, kw_only=True)
class CheckResult:
    """What would become of a table.

    ``events``: act -> how many; ``type_state``: whether the license type is in force, or
    would be added or changed first; ``states``: state -> how many licenses come in as
    ended; ``endless``: how many without a last day, where the type has years for terms;
    ``missing``: what the registry lacks for it;
    ``examples``: the first licenses, personal values masked.
    """

    rows: int = 0
    rows_accepted: int = 0
    rows_unchanged: int = 0
    rows_rejected: int = 0
    rows_legacy: int = 0
    type_code: str = ""
    type_name: str = ""
    type_state: str = ""
    events: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    terms: tuple[str, ...] = ()
    endless: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    rejects: list[Reject] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    examples: list[dict[str, Any]] = field(default_factory=list)

    @property
    def document(self) -> dict[str, Any]:
        """As ``import --check --json`` prints it."""
        return {
            "rows": self.rows,
            "rows_accepted": self.rows_accepted,
            "rows_rejected": self.rows_rejected,
            "rows_unchanged": self.rows_unchanged,
            "rows_legacy": self.rows_legacy,
            "type": {
                "code": self.type_code,
                "name": self.type_name,
                "state": self.type_state,
            },
            "events": {self.type_code: dict(sorted(self.events.items()))},
            "endless": self.endless,
            "states": dict(sorted(self.states.items())),
            "reasons": dict(sorted(self.reasons.items())),
            "rejects": [
                {
                    "line": one.line,
                    "column": one.column,
                    "reason": one.reason,
                    "expected": one.expected,
                }
                for one in self.rejects
            ],
            "missing": self.missing,
            "examples": self.examples,
        }


def check_stock(
    desk: ImportDesk, mapping: StockMapping, table: SourceTable, *, progress: Progress
) -> CheckResult:
    """Says what importing a table would do; raises Malformed where that would.

    ``desk`` must write nothing; what is in the log and not yet judged is not seen.
    """
    registry = desk.registry()
    kind, state = _type(mapping, desk.department, registry)
    found = CheckResult(type_code=kind.code, type_name=kind.name, type_state=state)
    found.terms = kind.validity if terms_are_years(kind) else ()
    with Staging(None, desk.random_bytes) as stage:
        intake = take_in(
            table,
            mapping,
            kind,
            stage,
            issuer=mapping.issuer or desk.department,
            latest=day_to_date(legal_day(desk.now())),
            progress=progress,
        )
        _plan(found, desk, mapping, kind, stage)
        _count(found, intake, stage)
    found.missing = _missing(found, desk, mapping, registry)
    return found


def _type(
    mapping: StockMapping, department: str, registry: Registry
) -> tuple[LicenseType, str]:
    """The type that would be in force, and what would have to happen first."""
    code = mapping.type_code
    if mapping.type_table is None and registry.license_type(code) is None:
        kind = packaged_type(code)
        if kind is not None:
            check_fits(mapping, kind)
            return kind, "missing"
    kind = type_of(mapping, department=department, registry=registry)
    held = registry.license_type(kind.code)
    if held is not None and type_rows(held) == type_rows(kind):
        return held, "in force"
    version = registry.next_type_version(kind.code)
    return replace(kind, version=version), "changed" if held else "added"


def _plan(
    found: CheckResult,
    desk: ImportDesk,
    mapping: StockMapping,
    kind: LicenseType,
    stage: Staging,
) -> None:
    planner = Planner(desk, mapping, kind)
    for licenses in stage.groups(ROWS_AT_ONCE):
        for plan in planner.plans(licenses):
            for reject in plan.rejects:
                stage.reject(reject)
            found.events.update(one.act for one in plan.proposals)
            found.states.update(
                str(one.fields["state"])
                for one in plan.proposals
                if "state" in one.fields
            )
            found.endless += bool(found.terms) and _endless(plan)
            fits = len(plan.own & plan.rests_on.keys())
            found.rows_accepted += fits
            found.rows_unchanged += len(plan.rests_on) - fits
            if plan.proposals and len(found.examples) < EXAMPLES:
                found.examples.append(_example(plan, mapping, kind))


def _endless(plan: ChainPlan) -> bool:
    """Whether a license comes in, or is changed, so that it has no last day."""
    said = [one.fields for one in plan.proposals if "valid_until" in one.fields]
    if said:
        return said[-1]["valid_until"] is None
    return any(one.act in OPENING_ACTS for one in plan.proposals)


def _count(found: CheckResult, intake: Intake, stage: Staging) -> None:
    found.rows, found.rows_legacy = intake.rows, intake.legacy
    found.reasons = stage.reasons()
    found.rows_rejected = sum(found.reasons.values())
    found.rejects = [one for one, _ in islice(stage.rejects(), REJECTS_SHOWN)]


def _example(
    plan: ChainPlan, mapping: StockMapping, kind: LicenseType
) -> dict[str, Any]:
    row = plan.proposals[-1].row
    holder = holder_of(mapping.holder_kind, row.holder_code, stand_in(row.holder_code))
    code = row.holder_code
    if is_person_kind(mapping.holder_kind):
        code = mask(code, kind="id_number")
    return {
        "line": row.line,
        "license_id": plan.license_id,
        "holder": {"kind": mapping.holder_kind, "code": code},
        "acts": [
            {"act": one.act, "day": day_to_date(one.source.day).isoformat()}
            for one in plan.proposals
        ],
        "fields": {
            name: masked(name, value)
            if name in kind.fields and must_encrypt(kind.fields[name], (holder,))
            else clear(value)
            for name, value in row.values.items()
        },
    }


def _missing(
    found: CheckResult, desk: ImportDesk, mapping: StockMapping, registry: Registry
) -> list[str]:
    """What the registry would have to hold before anything of this is accepted."""
    who = registry.authority(desk.department)
    issuer = registry.authority(mapping.issuer or desk.department)
    if who is None or not who.active:
        return [
            f"authority {desk.department} is not registered, or has ended 机构未登记"
        ]
    missing = _missing_keys(desk, registry)
    if issuer is None:
        return [*missing, f"issuer {mapping.issuer} is not registered 发证机关未登记"]
    if found.type_state == "missing":
        missing.append(
            f"type {found.type_code} is not in force 类型未启用: "
            "`license-ledger registry type`"
        )
    elif found.type_state != "in force" and "definer" not in who.roles:
        missing.append(
            f"authority {who.uscc} may not define types 无权定义类型 (role definer)"
        )
    refused = sorted(
        act
        for act in found.events
        if not may_act(
            registry.authorities,
            who,
            issuer,
            type_code=found.type_code,
            act=act,
            backfilled=True,
            opening=act in OPENING_ACTS,
            day=legal_day(desk.now()),
        )
    )
    if refused:
        acts = ", ".join(refused)
        missing.append(
            f"authority {who.uscc} may not import 无权归集 {acts} of type "
            f"{found.type_code} for issuer {issuer.uscc} (role custodian, types, area)"
        )
    return missing


def _missing_keys(desk: ImportDesk, registry: Registry) -> list[str]:
    keys = [registry.key(one.entry["key_id"]) for one in desk.signers]
    return [
        f"key {one.entry['key_id'].hex()} is not registered, or has ended 密钥未登记"
        for one, key in zip(desk.signers, keys, strict=True)
        if key is None or not key.active
    ]
