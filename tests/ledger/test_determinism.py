"""The same log gives the same verdicts, however it is read and wherever."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests import fixed
from tests.builders import World, province
from tests.refusal_cases import CASES


def whole_log() -> list[tuple[bytes, str, int]]:
    """Every case and what it needs, as records with their sources and seals' times."""
    world = province(signers=fixed.repeating_signer)
    for number, (code, case) in enumerate(CASES.values()):
        if code != "chain_full":
            case(world, f"C{number}")
    return [(one.data, one.source, one.verdict.recorded_at) for one in world.records]


def refold(log: list[tuple[bytes, str, int]], batch: int) -> list[Any]:
    """Verdicts of a log that is read ``batch`` records at a time."""
    world = World()
    for start in range(0, len(log), batch):
        page = log[start : start + batch]
        opened = world.admission.open([data for data, _, _ in page])
        world.admission.verify_ahead(opened)
        for data, source, time in page:
            world.now = time
            world.admit(data, source)
        world.admission.forget_verified()
    return [
        (one.code, one.verdict.detail, repr(one.verdict.after)) for one in world.records
    ]


def test_verdicts_do_not_depend_on_how_much_is_read_at_once() -> None:
    log = whole_log()
    once = refold(log, len(log))
    assert len(log) > 50
    for batch in (1, 2, 7, 33):
        assert refold(log, batch) == once


REFOLD = """
import hashlib, json
from tests.ledger.test_determinism import refold, whole_log
log = whole_log()
print(json.dumps([hashlib.sha256(repr(log).encode()).hexdigest(), refold(log, 5)]))
"""


def test_verdicts_do_not_depend_on_the_hash_seed() -> None:
    root = Path(__file__).parents[2]
    found = []
    for seed, locale in (("0", "C"), ("1", "C.UTF-8")):
        done = subprocess.run(
            [sys.executable, "-c", REFOLD],
            cwd=root,
            env={
                **os.environ,
                "PYTHONPATH": str(root),
                "PYTHONHASHSEED": seed,
                "LC_ALL": locale,
                "TZ": "Asia/Shanghai" if seed == "1" else "UTC",
            },
            capture_output=True,
            text=True,
            check=True,
            timeout=300,
        )
        found.append(json.loads(done.stdout))
    assert found[0] == found[1]
