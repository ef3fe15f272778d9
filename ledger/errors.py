"""The error families: who is at fault, and what a caller should do about it.

A message says what was expected, what was found, and where. Foreign exceptions
are translated at the door with ``raise ... from``; evidence rides on the exception.
"""

from __future__ import annotations

from typing import ClassVar

from typing_extensions import override


class LedgerError(Exception):
    """Base of every error this package raises on purpose.

    ``expected``, ``found`` and ``where`` are texts for people and never hold personal data.
    """

    family: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1

    def __init__(
        self, reason: str, *, expected: str = "", found: str = "", where: str = ""
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.expected = expected
        self.found = found
        self.where = where

    @override
    def __str__(self) -> str:
        parts = [self.reason]
        if self.expected:
            parts.append(f"expected {self.expected}")
        if self.found:
            parts.append(f"found {self.found}")
        if self.where:
            parts.append(f"at {self.where}")
        return "; ".join(parts)


class Malformed(LedgerError):
    """The input does not have the form asked for: mend it and try again."""

    family = "malformed"
    exit_code = 2


class Refused(LedgerError):
    """The ledger judged the event and said no; ``code`` is the refusal (拒绝代码)."""

    family = "refused"
    exit_code = 3

    def __init__(
        self,
        reason: str,
        *,
        code: str,
        expected: str = "",
        found: str = "",
        where: str = "",
    ) -> None:
        super().__init__(reason, expected=expected, found=found, where=where)
        self.code = code


class Unavailable(LedgerError):
    """Something local is missing or down: nothing was lost, try again later."""

    family = "unavailable"
    exit_code = 4


class Untrusted(LedgerError):
    """A proof does not hold, or log and tree contradict themselves: stop."""

    family = "untrusted"
    exit_code = 5


class Unknown(LedgerError):
    """The thing asked for is not in this ledger."""

    family = "unknown"
    exit_code = 1
