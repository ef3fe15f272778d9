"""Keeps an audit going: whatever a damaged table raises becomes a failed step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from ledger.errors import LedgerError, Unavailable, Unknown
from ledger.log.postgres import translated
from replay.findings import Check, Findings

if TYPE_CHECKING:
    from psycopg import Connection

T = TypeVar("T")


class Guard:
    """Stretches of work that may fail; each in a savepoint of the audit's transaction.

    Only Unavailable passes: a database that does not answer says nothing of the ledger,
    nor does a program that lacks a schema or rule.
    """

    def __init__(self, conn: Connection[Any], findings: Findings) -> None:
        self._conn = conn
        self._findings = findings

    @contextmanager
    def over(self, check: Check, where: str) -> Iterator[None]:
        """Fails ``check`` when the block raises."""
        try:
            with translated(where), self._conn.transaction():
                yield
        except Unavailable:
            raise
        except Unknown:
            self._findings.fail(check, f"{where}: a table is missing")
        except LedgerError as error:
            self._findings.fail(check, f"{where}: {error}")
        except Exception as error:  # noqa: BLE001 - damaged rows may raise anything
            self._findings.fail(check, f"{where}: {type(error).__name__}")

    def ask(self, check: Check, where: str, question: Callable[[], T]) -> T | None:
        """The answer, or None when there is none or the question fails ``check``."""
        found: list[T] = []
        with self.over(check, where):
            found.append(question())
        return found[0] if found else None
