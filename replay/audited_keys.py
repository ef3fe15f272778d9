"""The destructions in the log against what the key store destroyed."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ledger.admission import Verdict
from replay.findings import Check, Findings

Pair = tuple[bytes, str]
"""holder_ref and license_id."""


class AuditedKeys:
    """Collects the pairs that accepted DESTROYs name, with the first one's position."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._named: dict[Pair, int] = {}

    def take(self, verdict: Verdict) -> None:
        """Takes an accepted record, whatever it is."""
        act, event = verdict.act, verdict.event
        if act is None or event is None or event["chain"] != "holder":
            return
        ref = bytes.fromhex(event["subject"])
        for license_id in act.fields["license_ids"]["strings"]:
            self._named.setdefault((ref, license_id), verdict.position)

    def compare(self, destroyed: Callable[[], Iterable[Pair]]) -> None:
        """Looks for pairs that the key store did not destroy; asks it only if it must."""
        self._findings.checked(Check.KEY_STORE, len(self._named))
        left = dict(self._named)
        for pair in destroyed() if left else ():
            left.pop(pair, None)
        for (_, license_id), position in left.items():
            self._findings.fail(
                Check.KEY_STORE,
                f"position {position} destroyed a key of license {license_id}, "
                "the key store did not",
            )
