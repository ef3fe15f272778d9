"""One license's life in the story: its acts in order, each a step with what should come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from console.demo.steps import JOINT, MAIN, Office, Spoil, Step
from ledger.catalogue import TYPE_ACTS
from ledger.drafting import DecisionDraft, Draft, HolderDraft
from ledger.events import Value
from ledger.identifiers import LicenseId
from ledger.lifecycle_table import ACTS
from ledger.refusals import ACCEPTED
from ledger.workdays import day_start, day_to_date

SYSTEM = "demo-province"
CITIZEN, ORGANISATION = "111", "001"


@dataclass(slots=True, kw_only=True)
class Life:
    """Collects the steps of one license; days are given as days before ``today``.

    ``name`` begins every label. ``cosigner`` seals the acts of the type together with
    the issuer (联合签章). ``together``: its acts share signatures with their neighbours'.
    ``face``: what the first act put on it.
    """

    name: str
    today: int
    type_code: str
    issuer: Office
    serial: str
    holders: tuple[HolderDraft, ...]
    cosigner: Office | None = None
    together: bool = False
    steps: list[Step] = field(default_factory=list)
    face: dict[str, Value] = field(default_factory=dict)

    @property
    def license_id(self) -> str:
        """The chain's identifier."""
        return str(
            LicenseId(
                type_code=self.type_code, issuer=self.issuer.uscc, serial=self.serial
            )
        )

    def day(self, ago: int) -> str:
        """The date ``ago`` days before today; negative lies ahead."""
        return day_to_date(self.today - ago).isoformat()

    def act(
        self,
        act: str,
        ago: int,
        fields: Mapping[str, Value] | None = None,
        *,
        office: Office | None = None,
        names: Sequence[str] = (),
        decided: str = "",
        why: str = "",
        court: str = "",
        backfill: str | None = None,
        nonstandard: bool = False,
        serial: str = "",
        ref: str = "",
        holders: tuple[HolderDraft, ...] | None = None,
        decision: bool = True,
        expect: str = ACCEPTED,
        spoil: Spoil = Spoil.NOTHING,
        told: str = "",
    ) -> str:
        """Adds one act, effective ``ago`` days before today; gives its label.

        ``decided`` is the decision's reason code, ``why`` its words; ``court``: an
        outside authority that decided. ``backfill``: the source's own act, which makes
        it stock. ``serial``: the paper's number. ``ref``: the source's row, if told.
        """
        label, rule = f"{self.name}/{len(self.steps) + 1} {act}", ACTS[act]
        recorder = office or self.issuer
        self.face = self.face or dict(fields or {})
        decides = decision and (rule.decision_required or decided != "")
        rests_on = self._decision(label, ago, decided or act.lower(), why)
        self.steps.append(
            Step(
                label=label,
                what=Draft(
                    act=act,
                    license_id=self.license_id,
                    effective_at=day_start(self.today - ago),
                    authority=recorder.uscc,
                    deciding_authority=court,
                    fields=fields or {},
                    holders=self.holders if rule.opens else holders,
                    decision=rests_on if decides else None,
                    matter=self._matter(ref or label),
                    channel="stock" if backfill else "window",
                    medium="both",
                    paper_serial=serial,
                    source_act=backfill,
                    nonstandard=nonstandard,
                ),
                by=self._by(act, recorder),
                names=tuple(names),
                expect=expect,
                spoil=spoil,
                together=self.together or backfill is not None,
                told=told,
            )
        )
        return label

    def _matter(self, row: str) -> dict[str, str]:
        case = f"BJ{len(self.steps) + 1:03d}-{self.serial[-8:]}"
        return {"case_number": case, "source_system": SYSTEM, "source_ref": row}

    def _by(self, act: str, recorder: Office) -> tuple[tuple[str, int], ...]:
        alone = ((recorder.handle, MAIN),)
        if self.cosigner is None or act not in TYPE_ACTS:
            return alone
        return (*alone, (self.cosigner.handle, JOINT))

    def _decision(self, label: str, ago: int, code: str, why: str) -> DecisionDraft:
        number = sum(label.encode()) % 9_000 + 1_000
        date = self.day(max(ago, 0))
        return DecisionDraft(
            number=f"辽示决〔{date[:4]}〕{number}号",
            date=date,
            reason_code=code,
            reason=why,
        )
