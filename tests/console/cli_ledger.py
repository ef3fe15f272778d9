"""One founded ledger and its command line, called in this process."""

from __future__ import annotations

import io
import itertools
import json
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from console.cli import main
from console.embedded import EmbeddedPostgres

DEPARTMENT = "11210000999990010U"
BUSINESS = "11100000MB0143028R001"
ISSUED_ON = "2025-03-01"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a command came to: exit code, and both its streams."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout; anything more raises ValueError."""
        return json.loads(self.out)


def call(*arguments: str, stdin: str = "") -> Said:
    """Runs one command as a process would, but in this one."""
    out, err = io.StringIO(), io.StringIO()
    handler, given = signal.getsignal(signal.SIGTERM), sys.stdin
    sys.stdin = io.TextIOWrapper(io.BytesIO(stdin.encode()))
    try:
        with redirect_stdout(out), redirect_stderr(err):
            code = main(arguments)
    finally:
        sys.stdin = given
        signal.signal(signal.SIGTERM, handler)
    return Said(code=code, out=out.getvalue(), err=err.getvalue())


@dataclass(slots=True, kw_only=True)
class CliLedger:
    """A ledger that ``init`` founded; ``founded`` is what it printed."""

    directory: Path
    founded: Said
    _serials: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def call(self, *arguments: str, stdin: str = "") -> Said:
        """Runs a command on this ledger."""
        return call(*arguments, "--dir", str(self.directory), stdin=stdin)

    def json(self, *arguments: str, code: int = 0, stdin: str = "") -> Any:
        """Runs a command with ``--json``; its document, once the exit code is right."""
        said = self.call(*arguments, "--json", stdin=stdin)
        assert said.code == code, said
        return said.document

    def act(self, name: str, event: dict[str, Any], *, code: int = 0) -> Any:
        """Publishes one act by the department's key."""
        return self.json("act", name, "--file", "-", stdin=json.dumps(event), code=code)

    def issue(self, **face: Any) -> str:
        """A new business licence, issued in 2025; its identifier."""
        identifier: str = self.act("ISSUE", self.form(**face))["license_id"]
        return identifier

    def form(self, **face: Any) -> dict[str, Any]:
        """The event file of an ISSUE with a serial that is new here."""
        form: dict[str, Any] = self.json("act", "ISSUE", "--example")
        form["serial"] = f"2025{next(self._serials):012}"
        form["effective_at"] = ISSUED_ON
        form["fields"] |= {"valid_from": ISSUED_ON, **face}
        return form

    def receipt(self, license_id: str, out: Path) -> Path:
        """The receipt of the license's last event."""
        self.json("receipt", license_id, "--out", str(out))
        return out


def later(license_id: str, **more: Any) -> dict[str, Any]:
    """The event file of an act after ISSUE, with a decision."""
    decision = {"number": "示〔2025〕9号", "date": "2025-06-01", "reason_code": "test"}
    base = {"license_id": license_id, "effective_at": "2025-06-01"}
    return {**base, "decision": decision, **more}


@contextmanager
def founded(directory: Path, *options: str) -> Iterator[CliLedger]:
    """Founds a ledger; its server stays up, so that commands need not start it."""
    said = call("init", "--dir", str(directory), "--json", *options)
    assert said.code == 0, said
    with ExitStack() as stack:
        stack.enter_context(EmbeddedPostgres(directory / "pg"))
        yield CliLedger(directory=directory, founded=said)
