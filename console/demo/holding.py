"""One license of the large province while its life is written: terms, days, versions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from console.demo import faces
from console.demo.cast import Cast
from console.demo.faces_of_all import Subject, can_be_fresh, face_of, fresh
from console.demo.life import Life
from console.demo.people import Firm, Person
from console.demo.plan import City
from console.demo.steps import Office
from ledger.catalogue import FaceField, LicenseType
from ledger.drafting import Draft, HolderDraft
from ledger.events import Value
from ledger.lifecycle_table import ACTS


@dataclass(slots=True, kw_only=True)
class Holding:
    """``life`` so far; days count back from today.

    ``first``: the label of the opening act, ``began`` its day. ``last``: that of the
    latest act. ``end``:
    the last day of the term, negative when it lies ahead, None for 长期. ``over``: nothing
    happens to it any more.
    """

    cast: Cast
    kind: LicenseType
    life: Life
    who: Person | Firm
    city: City
    first: str = ""
    began: int = 0
    last: int = 0
    end: int | None = None
    over: bool = False

    def open(self, ago: int, years: int | None) -> None:
        """Issues it for so many years."""
        self._begin(ago, years)
        self.first = self.life.act("ISSUE", ago, self._face(ago, years))

    def open_stock(self, ago: int, years: int | None, *, office: Office) -> None:
        """It is old stock (存量补录), brought in by the custodian."""
        self._begin(ago, years)
        face = self._face(ago, years) | {"state": "VALID"}
        self.first = self.life.act(
            "BASELINE", ago, face, office=office, backfill="ISSUE"
        )

    def open_moved(
        self, ago: int, face: faces.Face, *, previous_identifier: str
    ) -> None:
        """It came from another issuer (转入), with the face it had there."""
        self._begin(ago, None)
        self.first = self.life.act(
            "TRANSFER_IN", ago, face | {"previous_identifier": previous_identifier}
        )

    def _begin(self, ago: int, years: int | None) -> None:
        self.began = self.last = ago
        self.end = None if years is None else ago - years * faces.YEAR + 1

    def _face(self, ago: int, years: int | None) -> faces.Face:
        return face_of(self.kind, self.subject(ago)) | self.term(ago, years)

    def term(self, start: int, years: int | None) -> faces.Face:
        """A term of so many years from a day on."""
        return faces.term(self.cast.today, start, years)

    def prolong(self, act: str, ago: int, years: int) -> None:
        """RENEW or REPLACE on a day: the new term follows the old one."""
        start = self.end if self.end is not None else ago
        self.life.act(act, ago, self.term(start - 1, years))
        self.last = min(self.last, ago)
        self.end = start - years * faces.YEAR

    def subject(self, ago: int) -> Subject:
        """Whom its face is about on a day."""
        return Subject(
            who=self.who,
            city=self.city,
            day=self.cast.today - ago,
            people=self.cast.people,
            rng=self.cast.rng,
        )

    def allows(self, *acts: str) -> bool:
        """Whether its type allows these acts."""
        return all(ACTS[act].always_allowed or act in self.kind.acts for act in acts)

    def room(self, days: int) -> bool:
        """Whether so many days of validity lie between the latest act and today."""
        return not self.over and self.last - self._latest() > days

    def later(self, after: int = 5, before: int = 0) -> int:
        """A day behind the latest act, with room behind it; it is the latest one now."""
        lowest = self._latest() + before
        self.last = self.cast.ago(lowest, max(lowest, self.last - after))
        return self.last

    def _latest(self) -> int:
        """The last day of validity that is past, with a few days to spare."""
        return 3 if self.end is None else max(3, self.end + 3)

    def fresh(self, may: Callable[[FaceField], bool]) -> dict[str, Value]:
        """One field of those that ``may`` be set, with another value; none if none may."""
        found = [
            face
            for face in self.kind.fields.values()
            if may(face) and can_be_fresh(face)
        ]
        if not found:
            return {}
        face = self.cast.rng.choice(found)
        return {face.name: fresh(face, self.subject(self.last))}

    @property
    def face(self) -> faces.Face:
        """The face that its opening act put on it."""
        return {
            name: value for name, value in self.life.face.items() if name != "state"
        }

    @property
    def version(self) -> int:
        """The number of its current version."""
        made = [step.what for step in self.life.steps if isinstance(step.what, Draft)]
        return sum(ACTS[one.act].makes_version == "always" for one in made)

    def elsewhere(self, city: City, office: Office) -> Holding:
        """The same right of the same holder under another issuer."""
        life = self.cast.life(self.kind.code, office, self.life.holders, together=True)
        return Holding(
            cast=self.cast, kind=self.kind, life=life, who=self.who, city=city
        )


def holder_of(who: Person | Firm, kind: LicenseType, number: int) -> HolderDraft:
    """How a person or firm stands as holder; a newborn has no number of its own yet."""
    if isinstance(who, Firm):
        return HolderDraft(kind="001", code=who.uscc)
    if kind.source_rows == 1:
        return HolderDraft(kind="999", code=f"U21{number:07d}")
    return HolderDraft(kind="111", code=who.id_no)
