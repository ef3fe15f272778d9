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

    @property
    def free(self) -> tuple[str, ...]:
        """Columns that found no place yet."""
        return tuple(c.name for c in self.sample.columns if c.name not in self._used)

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
        return self.named(words.KIND, says_acts) or self._speaking()

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
            every = (column.name for column in self.sample.columns)
            listed = (*choices,) or (*every,)
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


def says_acts(column: Column) -> bool:
    """Whether a value of the column is a known word for an act."""
    return any(words.plain(word) in words.ACT_VALUES for word in column.few_words)
