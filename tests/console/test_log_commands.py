"""A damaged log halts every command; the operator's commands let it go on, nothing lost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from console.founding import DEPARTMENT_USCC
from console.key_ring import DEPARTMENT, KeyRing
from console.settings import settings_of
from console.wiring import open_ledger
from ledger.publish import RoleSigner, Signed
from ledger.sources import REGISTRY, SEALS
from tests.console.broken_topics import BrokenTopics
from tests.console.cli_ledger import CliLedger, founded, later
from tests.console.commands import commands
from tests.faults.province import Province
from tests.faults.seed import chance
from tests.folders import own_folder

pytestmark = [pytest.mark.postgres, pytest.mark.kafka]

PARTITIONS = 2


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DIR", "DSN", "PASSPHRASE"):
        monkeypatch.delenv(f"LICENSE_LEDGER_{name}", raising=False)


@pytest.fixture
def ledger(kafka_cluster: str, topics: str) -> Iterator[CliLedger]:
    """A ledger of two partitions on three brokers, with some licenses."""
    count = ("--partitions", str(PARTITIONS))
    given = ("--kafka", kafka_cluster, "--topics", topics, *count)
    with own_folder() as folder, founded(folder / "ledger", *given) as made:
        yield made


@pytest.fixture
def licenses(ledger: CliLedger) -> Sequence[str]:
    return [ledger.issue() for _ in range(5)]


@pytest.fixture
def broken(ledger: CliLedger, licenses: Sequence[str]) -> BrokenTopics:
    assert licenses
    return BrokenTopics(
        settings=settings_of(ledger.directory, environment={}), partitions=PARTITIONS
    )


def halted(ledger: CliLedger) -> Any:
    """The error that every command ends with."""
    errors = [ledger.json(command, code=5)["error"] for command in ("status", "seal")]
    assert all(error == errors[0] for error in errors)
    assert errors[0]["family"] == "untrusted"
    return errors[0]


def assert_goes_on(ledger: CliLedger, licenses: Sequence[str], folder: Path) -> None:
    """All licenses live on, whatever source carries them; everything can be proved."""
    for number, license_id in enumerate(licenses):
        assert ledger.json("show", license_id)["state"] == "VALID"
        receipt = ledger.receipt(license_id, folder / f"{number}.receipt")
        assert ledger.json("verify", str(receipt))["result"] != "untrusted"
        ledger.act("REVOKE", later(license_id))
    ledger.issue()
    rebuilt = ledger.json("rebuild", "--swap", "--processes", "2")
    assert rebuilt["equal"]
    audited = ledger.json("audit")
    assert audited["result"] == "pass", audited


def acknowledged(ledger: CliLedger, broken: BrokenTopics) -> dict[str, list[Signed]]:
    """Signed events that the brokers have and no seal covers, by source."""
    signer = KeyRing(broken.settings).signer(DEPARTMENT, purpose="act")
    province = Province(
        origin=bytes.fromhex(ledger.founded.document["origin"]),
        partitions=PARTITIONS,
        authority=DEPARTMENT_USCC,
        signers=[RoleSigner(signer=signer)],
        rng=chance("unsealed"),
        name="U",
    )
    made: dict[str, list[Signed]] = {}
    for one in province.batch(20):
        made.setdefault(one.source, []).append(one)
    return made


@pytest.mark.parametrize("source", ["events-0", "events-1"])
def test_first_records_lost(
    ledger: CliLedger,
    licenses: Sequence[str],
    broken: BrokenTopics,
    tmp_path: Path,
    source: str,
) -> None:
    broken.lose_first(source)
    assert f"{source} " in halted(ledger)["found"]
    done = ledger.json("log", "succeed", source)["sources"]
    assert [(one["successor"], one["moved"]) for one in done] == [(f"{source}.1", 0)]
    assert_goes_on(ledger, licenses, tmp_path)
    again = ledger.json("log", "succeed", source)["sources"]
    assert [(one["before"], one["moved"]) for one in again] == [(True, 0)]


def test_last_records_lost(
    ledger: CliLedger, licenses: Sequence[str], broken: BrokenTopics, tmp_path: Path
) -> None:
    source = broken.busiest()
    count = broken.sealed()[source]
    broken.make_again(source, lambda records: records[:-1])
    error = halted(ledger)
    assert (error["expected"], error["found"], error["where"]) == (
        f"at least {count}",
        str(count - 1),
        source,
    )
    ledger.json("log", "succeed", source)
    assert_goes_on(ledger, licenses, tmp_path)


def test_what_was_acknowledged_and_not_sealed_is_moved_once(
    ledger: CliLedger, licenses: Sequence[str], broken: BrokenTopics, tmp_path: Path
) -> None:
    source = broken.busiest()
    made = acknowledged(ledger, broken)
    records = [one.data for one in made[source]]
    # Sealed records are lost, and nobody who publishes knows of it.
    broken.make_again(source, lambda held: held[:-2])
    broken.append({source: [*records, *records[:3]]})
    halted(ledger)
    done = ledger.json("log", "succeed", source)["sources"]
    assert done[0]["moved"] == len(records)
    accepted = [one.digest for one in made[source]]
    assert accepted_in(broken, f"{source}.1") == accepted
    # One more comes late, and everything that is there is seen again.
    other = [one for one in made if one != source]
    broken.append({source: [one.data for name in other for one in made[name]]})
    late = ledger.json("log", "succeed", source)["sources"]
    assert late[0]["moved"] == sum(len(made[name]) for name in other)
    assert accepted_in(broken, f"{source}.1") == accepted
    assert_goes_on(ledger, licenses, tmp_path)


def accepted_in(broken: BrokenTopics, source: str) -> list[bytes]:
    """The digests of the accepted records of a source, in order."""
    with open_ledger(broken.settings) as opened:
        rows = opened.views.execute(
            "SELECT digest FROM audit_trail WHERE source = %s AND verdict = 'accepted' "
            "ORDER BY ordinal",
            (source,),
        )
        return [digest for (digest,) in rows.fetchall()]


def test_topic_made_again_with_another_last_record(
    ledger: CliLedger, licenses: Sequence[str], broken: BrokenTopics, tmp_path: Path
) -> None:
    source = broken.busiest()
    count = broken.sealed()[source]
    broken.make_again(source, lambda records: [*records[:-1], records[0]])
    assert halted(ledger)["where"] == f"{source}, record {count - 1}"
    ledger.json("log", "succeed", source)
    assert_goes_on(ledger, licenses, tmp_path)


def test_topic_made_again_with_older_records_changed_is_found_by_the_audit(
    ledger: CliLedger, licenses: Sequence[str], broken: BrokenTopics, tmp_path: Path
) -> None:
    source = broken.busiest()
    broken.make_again(source, lambda records: [records[-1], *records[1:]])
    assert ledger.json("status")["licenses"] == len(licenses)
    audited = ledger.json("audit", code=1)
    assert audited["result"] == "fail"
    tree = next(step for step in audited["steps"] if step["failed"])
    assert f"{source}, record 0" in tree["first_failure"]
    refused = ledger.json("rebuild", code=5)["error"]
    assert source in refused["where"]
    done = ledger.json("log", "succeed", source)["sources"]
    assert f"{source}, record 0" in done[0]["damage"]
    assert_goes_on(ledger, licenses, tmp_path)


def test_registry_goes_on_where_its_successor_begins(
    ledger: CliLedger, licenses: Sequence[str], broken: BrokenTopics, tmp_path: Path
) -> None:
    broken.make_again(REGISTRY, lambda records: records[:-1])
    assert halted(ledger)["where"] == REGISTRY
    done = ledger.json("log", "succeed", REGISTRY)["sources"]
    assert done[0]["successor"] == "registry.1"
    ledger.json(
        "registry", "authority", "11210000999990010U", "--name", "示范省大数据局"
    )
    assert broken.sealed()["registry.1"] == 2
    assert_goes_on(ledger, licenses, tmp_path)


def test_all_sources_and_their_successors(
    ledger: CliLedger, licenses: Sequence[str], broken: BrokenTopics, tmp_path: Path
) -> None:
    sources = [REGISTRY, "events-0", "events-1"]
    for generation in range(1, 3):
        for source in sources:
            broken.lose_first(source)
        assert ledger.json("log", "succeed", *sources[1:], code=5)["error"]
        ledger.json("log", "succeed", *sources)
        ledger.issue()
        for license_id in licenses:
            ledger.act(
                "MARK",
                later(
                    license_id,
                    fields={
                        "mark": "lost",
                        "mark_on": generation % 2 == 1,
                        "mark_date": "2025-06-01",
                    },
                ),
            )
        sources = [f"{s.split('.')[0]}.{generation}" for s in sources]
    assert_goes_on(ledger, licenses, tmp_path)


def test_whole_and_unknown_sources_are_let_alone(
    ledger: CliLedger, broken: BrokenTopics
) -> None:
    before = broken.sealed()
    for source in (REGISTRY, "events-0"):
        refused = ledger.json("log", "succeed", source, code=2)["error"]
        assert "is whole" in refused["reason"]
    ledger.json("log", "succeed", "events-2", code=1)
    ledger.json("log", "succeed", "events-0.1", code=1)
    assert "refill" in ledger.json("log", "succeed", SEALS, code=2)["error"]["expected"]
    assert (
        "nothing is missing" in ledger.json("log", "refill", code=2)["error"]["reason"]
    )
    assert broken.sealed() == before


def test_nobody_else_may_be_at_work(
    ledger: CliLedger, broken: BrokenTopics, tmp_path: Path
) -> None:
    with commands(ledger.directory, tmp_path / "said") as made:
        sealer = made.start("seal")
        while "sealing on" not in sealer.err.read_text():
            assert sealer.alive
        for given in (("succeed", "events-0"), ("refill",)):
            refused = ledger.json("log", *given, code=4)["error"]
            assert "another process" in refused["reason"]
        sealer.stop()
        assert sealer.end().code == 0


@pytest.mark.parametrize("kept", [0, -1])
def test_seals_cut_are_refilled(
    ledger: CliLedger,
    licenses: Sequence[str],
    broken: BrokenTopics,
    tmp_path: Path,
    kept: int,
) -> None:
    count = len(broken.held(SEALS))
    broken.make_again(SEALS, lambda records: records[:kept])
    assert halted(ledger)["where"] == SEALS
    done = ledger.json("log", "refill")
    assert done["appended"] == count - len(range(count)[:kept])
    assert not done["topic_made_again"]
    assert_goes_on(ledger, licenses, tmp_path)


def test_seals_without_a_start_are_refilled_without_the_junk(
    ledger: CliLedger, licenses: Sequence[str], broken: BrokenTopics, tmp_path: Path
) -> None:
    broken.append({SEALS: [b"junk", *broken.held(SEALS)]})
    ledger.issue()
    count = len(set(broken.held(SEALS))) - 1
    broken.lose_first(SEALS, 2)
    assert SEALS in halted(ledger)["found"]
    done = ledger.json("log", "refill")
    assert (done["appended"], done["topic_made_again"]) == (count, True)
    assert done["seals_next"] == count
    assert ledger.json("audit")["result"] == "pass"
    assert_goes_on(ledger, licenses, tmp_path)


def test_seals_and_events_damaged_together(
    ledger: CliLedger, licenses: Sequence[str], broken: BrokenTopics, tmp_path: Path
) -> None:
    source = broken.busiest()
    broken.make_again(source, lambda _: [])
    broken.make_again(SEALS, lambda records: records[2:])
    assert ledger.json("log", "succeed", source, code=5)["error"]["where"] == SEALS
    ledger.json("log", "refill")
    assert halted(ledger)["where"] == source
    ledger.json("log", "succeed", source)
    assert_goes_on(ledger, licenses, tmp_path)
