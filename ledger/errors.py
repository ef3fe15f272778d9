"""The error families: who is at fault, and what a caller should do about it.

A message says what was expected, what was found, and where. Foreign exceptions
are translated at the door with ``raise ... from``; evidence rides on the exception.
Each error has a code (错误代码), that of its family unless the place that raises it
names a finer one; ``schemas/errors/`` says in two languages what every code means.
"""

from __future__ import annotations

import errno
from typing import Any, ClassVar, Final

from typing_extensions import override

_NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT)


class LedgerError(Exception):
    """Base of every error this package raises on purpose.

    ``expected``, ``found`` and ``where`` are texts for people and never hold personal
    data. ``code`` is a row of ``schemas/errors/``; empty means ``default_code``.
    """

    family: ClassVar[str] = "error"
    default_code: ClassVar[str] = "internal_error"
    exit_code: ClassVar[int] = 1

    def __init__(
        self,
        reason: str,
        *,
        code: str = "",
        expected: str = "",
        found: str = "",
        where: str = "",
    ) -> None:
        super().__init__(reason)
        self.code = code or self.default_code
        self.reason = reason
        self.expected = expected
        self.found = found
        self.where = where

    @override
    def __reduce__(self) -> tuple[Any, ...]:
        """Whole when it comes from another process, whatever its class is made from."""
        return _again, (type(self), self.args), dict(self.__dict__)

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
    default_code = "bad_input"
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
        # No default: what the ledger says no with is always one code.
        super().__init__(reason, code=code, expected=expected, found=found, where=where)


class Unavailable(LedgerError):
    """Something local is missing or down: nothing was lost, try again later."""

    family = "unavailable"
    default_code = "unavailable"
    exit_code = 4


class Untrusted(LedgerError):
    """A proof does not hold, or log and tree contradict themselves: stop."""

    family = "untrusted"
    default_code = "contradiction"
    exit_code = 5


class Unknown(LedgerError):
    """The thing asked for is not in this ledger."""

    family = "unknown"
    default_code = "not_found"
    exit_code = 1


def _again(kind: type[LedgerError], args: tuple[Any, ...]) -> LedgerError:
    error = kind.__new__(kind, *args)
    error.args = args
    return error


def disk_code(error: Exception, code: str) -> str:
    """``disk_full`` when the system says that there is no room left, else ``code``."""
    return "disk_full" if getattr(error, "errno", None) in _NO_ROOM else code
