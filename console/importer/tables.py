"""One TOML table read key by key, so that a wrong or unknown key is named exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ledger.errors import Malformed

QUESTION = "TODO"
"""How a value begins that somebody has yet to say: ``mapping new`` writes such."""

_MISSING = object()


class Table:
    """A TOML table at a place; every read raises Malformed naming that place."""

    def __init__(self, data: Mapping[str, Any], where: str) -> None:
        self._data = data
        self._where = where
        self._read: set[str] = set()

    @property
    def names(self) -> list[str]:
        """The keys of the table, in the order written."""
        return list(self._data)

    @property
    def place(self) -> str:
        """Where the table stands, for errors."""
        return self._where

    def at(self, key: str) -> str:
        """The place of a key, for errors."""
        return f"{self._where}: {key}"

    def holds_table(self, key: str) -> bool:
        """Whether the key's value is a table."""
        return isinstance(self._data.get(key), dict)

    def begins_with_table(self, key: str) -> bool:
        """Whether the key's value is a list of tables."""
        value = self._data.get(key)
        return isinstance(value, list) and bool(value) and isinstance(value[0], dict)

    def text(self, key: str, *, default: str | None = None) -> str:
        """A text; empty only when the default is."""
        value = self._get(key, default)
        if not isinstance(value, str) or (not value and default != ""):
            raise self._wrong(key, "a text that is not empty")
        return self._answered(key, value)

    def some_texts(self, key: str) -> list[str]:
        """One text, or a list of them; none is empty."""
        value = self._get(key, None)
        given = value if isinstance(value, list) else [value]
        texts = [text for text in given if isinstance(text, str) and text]
        if not texts or len(texts) != len(given):
            raise self._wrong(key, "a text that is not empty, or a list of such")
        return [self._answered(key, text) for text in texts]

    def choice(self, key: str, choices: Sequence[str], *, default: str) -> str:
        """One of some texts."""
        value = self.text(key, default=default)
        if value not in choices:
            raise self._wrong(key, "one of " + ", ".join(map(repr, choices)))
        return value

    def number(self, key: str, *, default: int) -> int:
        """A whole number from 1 on."""
        value = self._get(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise self._wrong(key, "a whole number from 1 on")
        return value

    def texts(self, key: str) -> list[str]:
        """A list of texts, empty when the key is not there."""
        value = self._get(key, [])
        if not isinstance(value, list) or not all(isinstance(x, str) for x in value):
            raise self._wrong(key, "a list of texts")
        return value

    def flag(self, key: str) -> bool:
        """A boolean, false when the key is not there."""
        value = self._get(key, False)  # noqa: FBT003 - the default
        if not isinstance(value, bool):
            raise self._wrong(key, "true or false")
        return value

    def table(self, key: str) -> Table:
        """A table inside this one."""
        value = self._get(key, None)
        if not isinstance(value, dict):
            raise self._wrong(key, "a table")
        return Table(value, self.at(key))

    def tables(self, key: str) -> list[Table]:
        """A list of tables, at least one."""
        value = self._get(key, None)
        if (
            not isinstance(value, list)
            or not value
            or not all(isinstance(x, dict) for x in value)
        ):
            raise self._wrong(key, "one or more tables")
        return [Table(x, f"{self.at(key)}[{n}]") for n, x in enumerate(value, 1)]

    def raw(self, key: str) -> Mapping[str, Any] | None:
        """A table as TOML gave it, or None."""
        self._read.add(key)
        value = self._data.get(key)
        if value is not None and not isinstance(value, dict):
            raise self._wrong(key, "a table")
        return value

    def done(self) -> None:
        """Raises Malformed when a key was never asked for: a misspelling."""
        unknown = sorted(set(self._data) - self._read)
        if unknown:
            raise Malformed(
                "unknown key",
                code="bad_mapping",
                expected=", ".join(sorted(self._read)),
                found=", ".join(unknown)[:200],
                where=self._where,
            )

    def _answered(self, key: str, text: str) -> str:
        if text.startswith(QUESTION):
            raise Malformed(
                "a question of the mapping is not answered yet",
                code="mapping_question",
                expected=text.removeprefix(QUESTION).strip(" :")[:300],
                where=self.at(key),
            )
        return text

    def _get(self, key: str, default: object) -> object:
        self._read.add(key)
        value = self._data.get(key, _MISSING)
        if value is not _MISSING:
            return value
        if default is None:
            raise Malformed("a key is missing", code="bad_mapping", where=self.at(key))
        return default

    def _wrong(self, key: str, expected: str) -> Malformed:
        return Malformed(
            "a wrong value", code="bad_mapping", expected=expected, where=self.at(key)
        )
