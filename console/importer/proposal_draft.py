"""A proposal while it is made: the columns of a sample, and which found their place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from console.importer import vocabulary as words
from console.importer.dates import DateForm
from console.importer.proposal_text import Proposal, Question
from console.importer.sample import HALF, MOST, Column, Sample
from ledger.catalogue import LicenseType

Right = Callable[[Column], bool]
"""Whether a column's values are right for something."""


class DraftMapping:
    """The text so far, and all that its parts are guessed from.

    ``form``: how the days of the sample are written, '' when nobody can tell.
    """

    def __init__(self, sample: Sample, kind: LicenseType) -> None:
        self.sample = sample
        self.kind = kind
        self.made = Proposal()
        self.form = (sample.date_forms or [""])[0]
        self._used: set[str] = set()
        self._faces = {words.plain(face.zh) for face in kind.fields.values()}

    @property
    def free(self) -> tuple[str, ...]:
        """Columns that found no place yet."""
        return tuple(c.name for c in self.sample.columns if c.name not in self._used)

    @property
    def free_first(self) -> tuple[str, ...]:
        """All columns but running numbers, those without a place in front."""
        lasting = [c.name for c in self.sample.columns if not c.counts]
        return tuple(sorted(lasting, key=lambda name: name in self._used))

    @property
    def serial(self) -> Column | None:
        """The column of the number that a license has at its issuer."""
        return self.named(words.SERIAL, lambda c: c.serials(HALF)) or self.named(
            words.NUMBER, lambda c: c.serials(MOST)
        )

    @property
    def issued(self) -> Column | None:
        """The column of the day on which a license was issued."""
        return self.named(words.ISSUED_ON, self.is_days)

    @property
    def acts(self) -> Column | None:
        """The column whose values name acts, by its name or by its values."""
        return (
            self.named(words.KIND, says_acts)
            or self._speaking()
            or self._like(words.KIND_NAMES, words.ACT_ROOTS)
        )

    @property
    def states(self) -> Column | None:
        """The column whose values name states of licenses, beside that of acts."""
        named = self.named(words.STATUS, lambda column: bool(column.few_words))
        return (
            named
            or self._like(words.STATE_NAMES, ())
            or self._like((), words.END_ROOTS)
        )

    @property
    def more_states(self) -> list[Column]:
        """Other columns in which a license can be said to have ended."""
        told = {one.name for one in (self.acts, self.states) if one is not None}
        return [
            column
            for column in self.sample.columns
            if column.name not in told
            and not self.is_days(column)
            and _any_in(words.END_ROOTS, [words.plain(w) for w in column.few_words])
        ]

    def _like(self, names: Sequence[str], roots: Sequence[str]) -> Column | None:
        """The first column of few words whose name and one of whose values look so."""
        for column in self.sample.columns:
            said = [words.plain(word) for word in column.few_words]
            named = not names or any(part in column.name for part in names)
            if words.plain(column.name) in self._faces:
                named = named and _any_in(words.END_ROOTS, said)
            if self.is_days(column):
                continue
            if said and named and (not roots or _any_in(roots, said)):
                return column
        return None

    def use(self, column: Column) -> str:
        """Its name; from now on it has its place."""
        self._used.add(column.name)
        return column.name

    def put_column(
        self,
        key: str,
        column: Column | None,
        text: str,
        choices: Iterable[str],
        place: str,
    ) -> None:
        """A key that names a column, or the question which one it is."""
        if column is None:
            listed = (*choices,) or self.free_first
            question = Question(place=f"{place}.{key}", text=text, choices=listed)
            self.made.ask(key, question)
        else:
            self.made.put(key, self.use(column))

    def is_days(self, column: Column, share: float = HALF) -> bool:
        """Whether such a share of a column's values are days."""
        form = DateForm(pattern=self.form) if self.form else None
        return form is not None and column.days(form, share)

    def named(self, names: Sequence[str], right: Right) -> Column | None:
        """The column of the first of these names whose values are right for it."""
        for name in names:
            for column in self.sample.columns:
                if words.plain(column.name) == name and right(column):
                    return column
        return None

    def first(self, right: Right) -> Column | None:
        """The only column whose values are right."""
        found = [column for column in self.sample.columns if right(column)]
        return found[0] if len(found) == 1 else None

    def _speaking(self) -> Column | None:
        """A column of another name, all of whose values are known words for acts."""
        named = {*words.STATUS}
        found = [
            column
            for column in self.sample.columns
            if column.few_words
            and words.plain(column.name) not in named
            and all(words.plain(w) in words.ACT_VALUES for w in column.few_words)
        ]
        return found[0] if len(found) == 1 else None


def _any_in(roots: Sequence[str], said: Sequence[str]) -> bool:
    return any(root in word for root in roots for word in said)


def says_acts(column: Column) -> bool:
    """Whether a value of the column is a known word for an act."""
    said = [words.plain(word) for word in column.few_words]
    return any(word in words.ACT_VALUES for word in said) or _any_in(
        words.ACT_ROOTS, said
    )
