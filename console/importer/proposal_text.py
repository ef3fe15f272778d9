"""The text of a proposed mapping: TOML with comments, and the questions that stand in it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from console.importer.tables import QUESTION
from ledger.check_digits import consists_of

_BARE: Final = "abcdefghijklmnopqrstuvwxyz0123456789-_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What only a person can say; ``choices`` are names to choose from, if they are few."""

    place: str
    text: str
    choices: tuple[str, ...] = ()


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

    def put(self, key: str, value: str, *, comment: str = "") -> None:
        """A key and its value."""
        behind = f"  # {comment}" if comment else ""
        self.lines.append(f"{_key(key)} = {_text(value)}{behind}")

    def ask(self, key: str, question: Question) -> None:
        """A key whose value is a question yet."""
        self.questions.append(question)
        self.comment(f"问题 question {len(self.questions)}: {question.text}")
        if question.choices:
            self.comment("choose from: " + " | ".join(question.choices))
        self.put(key, f"{QUESTION}: {question.text}")

    @property
    def text(self) -> str:
        """The mapping file."""
        return "\n".join(self.lines).strip() + "\n"


def answered(text: str, answers: Sequence[tuple[Question, str]]) -> str:
    """The mapping file with its questions answered, in the order in which they stand."""
    for question, answer in answers:
        text = text.replace(_text(f"{QUESTION}: {question.text}"), _text(answer), 1)
    return text


def _key(name: str) -> str:
    return name if consists_of(name, _BARE) else _text(name)


def _text(value: str) -> str:
    """A TOML basic string: JSON's escapes are TOML's."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
