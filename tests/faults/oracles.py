"""What must hold after any fault: nothing acknowledged is lost or doubled."""

from __future__ import annotations

from collections import Counter

from console.wiring import open_ledger
from tests.faults.checkpoints import assert_one_history
from tests.faults.world import World


def assert_whole(world: World) -> None:
    """All six oracles on the ledger of a world; its processes must be up.

    O1 every acknowledged event is accepted exactly once; O2 all checkpoints ever seen
    are of one history, one of each number; O3 the audit passes; O4 rebuilt tables are
    the live ones; O5 receipts made on the way verify; O6 what was not acknowledged is
    there once or not at all.
    """
    world.start()
    world.settled()
    accepted = _accepted(world)
    for load in world.loads:
        lost = [digest for digest in load.acked() if accepted[digest] != 1]
        assert not lost, f"{len(lost)} acknowledged events are lost or doubled"
        assert all(accepted[digest] <= 1 for digest in load.attempted())
    assert set(accepted.values()) <= {1}
    assert_one_history(world)
    audited = world.commands.answer("audit")
    assert audited["result"] == "pass", audited
    rebuilt = world.commands.answer("rebuild")
    assert rebuilt["equal"], rebuilt
    for receipt in world.receipts:
        said = world.commands.run(
            "verify", str(receipt), "--dir", str(world.commands.directory), "--json"
        )
        assert said.code == 0, said
        assert said.document["result"] != "untrusted"
    world.figures |= _figures(world)


def _figures(world: World) -> dict[str, int]:
    """What this ledger and its processes have been through so far."""
    status = world.commands.answer("status")
    return {
        "acknowledged": sum(len(load.acked()) for load in world.loads),
        "sent": sum(len(load.attempted()) for load in world.loads),
        "unavailable": sum(load.refusals() for load in world.loads),
        "duplicate": status["by_refusal"].get("duplicate", 0),
        "gap": status["by_refusal"].get("gap", 0),
        "receipts": len(world.receipts),
        "processes killed": sum(one.killed for one in world.commands.started),
    }


def _accepted(world: World) -> Counter[str]:
    """How often the event of a digest was accepted."""
    with open_ledger(world.settings) as ledger:
        rows = ledger.views.execute(
            "SELECT encode(digest, 'hex'), count(*) FROM audit_trail "
            "WHERE verdict = 'accepted' AND chain = 'license' GROUP BY digest"
        ).fetchall()
    return Counter(dict(rows))
