"""What the lives of a story are made from: chance, people, days and running numbers."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from console.demo.life import CITIZEN, ORGANISATION, Life
from console.demo.people import Firm, People, Person
from console.demo.steps import Office
from ledger.drafting import HolderDraft


@dataclass(slots=True, kw_only=True)
class Cast:
    """What all lives are made from; ``number`` never gives one number twice."""

    rng: Random
    people: People
    today: int
    lives: list[Life] = field(default_factory=list)
    _last: int = 0

    def number(self) -> int:
        """The next running number of the province."""
        self._last += 1
        return self._last

    def life(
        self,
        type_code: str,
        issuer: Office,
        holders: tuple[HolderDraft, ...],
        *,
        cosigner: Office | None = None,
        together: bool = False,
    ) -> Life:
        """A new license of an issuer, without any act yet."""
        number = self.number()
        life = Life(
            name=f"{type_code[-3:]}-{number:03d}",
            today=self.today,
            type_code=type_code,
            issuer=issuer,
            serial=f"DEMO{number:012d}",
            holders=holders,
            cosigner=cosigner,
            together=together,
        )
        self.lives.append(life)
        return life

    def ago(self, low: int, high: int) -> int:
        """A number of days before today."""
        return self.rng.randint(low, high)


def citizen(person: Person) -> HolderDraft:
    """A person as holder."""
    return HolderDraft(kind=CITIZEN, code=person.id_no)


def organisation(firm: Firm) -> HolderDraft:
    """A firm as holder."""
    return HolderDraft(kind=ORGANISATION, code=firm.uscc)
