"""The text of a proposed mapping: TOML with comments, and the questions that stand in it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from console.importer.tables import QUESTION
from ledger.check_digits import consists_of

CONSTANT: Final = "="
"""How an answer begins that is no column but a value."""

_BARE: Final = "abcdefghijklmnopqrstuvwxyz0123456789-_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What only a person can say; ``choices`` are names to choose from, if they are few.

    ``constant``: it may also be the same in every row, without a column. ``right``:
    whether an answer without choices is one.
    """

    place: str
    text: str
    choices: tuple[str, ...] = ()
    constant: bool = False
    right: Callable[[str], bool] = bool


@dataclass(slots=True)
class Proposal:
    """Lines of TOML and the questions in them, in order."""

    lines: list[str] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)

    def comment(self, text: str) -> None:
        """A line of explanation."""
        self.lines.append(f"# {text}".rstrip())

    def table(self, name: str) -> None:
        """The head of a table."""
        self.lines += ["", name]

    def put(self, key: str, value: str | Sequence[str], *, comment: str = "") -> None:
        """A key and its value."""
        self.lines.append(f"{_key(key)} = {_text(value)}{_behind(comment)}")

    def put_beside(
        self, key: str, values: Mapping[str, str], *, comment: str = ""
    ) -> None:
        """A key whose value is a table on the same line."""
        self.lines.append(f"{_key(key)} = {_inline(values)}{_behind(comment)}")

    def ask(
        self, key: str, question: Question, *, beside: Mapping[str, str] | None = None
    ) -> None:
        """A key whose value is a question yet, or its last part ``beside`` others."""
        self.questions.append(question)
        self.comment(f"问题 question {len(self.questions)}: {question.text}")
        if question.choices:
            self.comment("choose from: " + " | ".join(question.choices))
        if question.constant:
            self.comment(f'the same in every row: {key} = {{ always = "…" }}')
        value = f"{QUESTION}: {question.text}"
        if beside is None:
            self.put(key, value)
        else:
            last = question.place.rpartition(".")[2]
            self.put_beside(key, {**beside, last: value})

    @property
    def text(self) -> str:
        """The mapping file."""
        return "\n".join(self.lines).strip() + "\n"


def answered(text: str, answers: Sequence[tuple[Question, str]]) -> str:
    """The mapping file with questions answered, in the order in which they stand.

    ``=value`` answers one that may be the same in every row.
    """
    for question, answer in answers:
        value = _text(answer)
        if question.constant and answer.startswith(CONSTANT):
            value = _inline({"always": answer.removeprefix(CONSTANT).strip()})
        text = text.replace(_text(f"{QUESTION}: {question.text}"), value, 1)
    return text


def _key(name: str) -> str:
    return name if consists_of(name, _BARE) else _text(name)


def _inline(values: Mapping[str, str]) -> str:
    return "{ " + ", ".join(f"{_key(n)} = {_text(v)}" for n, v in values.items()) + " }"


def _behind(comment: str) -> str:
    return f"  # {comment}" if comment else ""


def _text(value: str | Sequence[str]) -> str:
    """A TOML basic string, or an array of such: JSON's escapes are TOML's."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
