"""The same commands on a ledger whose log is Kafka: same documents, same verdicts."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

import schemas
from console.copying import copy_ledger
from console.kafka_file import SINGLE_BROKER
from console.settings import Settings, settings_of
from console.wiring import open_ledger
from ledger.log.kafka_settings import KafkaPlace
from tests.console.cli_ledger import CliLedger, call, founded, later
from tests.folders import own_folder

pytestmark = [pytest.mark.postgres, pytest.mark.kafka]

FOUNDED = 3 + len(schemas.names("types"))
"""Records of a new ledger: the founding, a department and its key, the catalogue."""
ASKED_AS_OF = ("--as-of", "2026-01-01")


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DIR", "DSN", "PASSPHRASE"):
        monkeypatch.delenv(f"LICENSE_LEDGER_{name}", raising=False)


@pytest.fixture
def folder() -> Iterator[Path]:
    """Not pytest's: whenever another session starts, that is closed to PostgreSQL's user."""
    with own_folder() as made:
        yield made


@pytest.fixture
def ledger(folder: Path, kafka_cluster: str, topics: str) -> Iterator[CliLedger]:
    """A ledger on three brokers."""
    given = ("--kafka", kafka_cluster, "--topics", topics)
    with founded(folder / "ledger", *given) as made:
        yield made


def archives(ledger: CliLedger, license_id: str) -> list[dict[str, Any]]:
    """What the archives and the scan say of one license and its issuer."""
    holder = ledger.json("show", license_id)["holders"][0]
    code = (holder["kind"], holder["code"])
    return [
        ledger.json("holder", *code, *ASKED_AS_OF),
        ledger.json("trace", license_id, "name", *ASKED_AS_OF),
        ledger.json("directory", "--type", license_id.split(".")[5], *ASKED_AS_OF),
        ledger.json("scan", *ASKED_AS_OF),
    ]


def live(ledger: CliLedger, out: Path) -> str:
    """One license that is issued, proven, revoked, and revoked again."""
    license_id = ledger.issue()
    ledger.receipt(license_id, out)
    ledger.act("REVOKE", later(license_id))
    ledger.act("REVOKE", later(license_id), code=3)
    return license_id


def test_license_lives_on_kafka(ledger: CliLedger, folder: Path) -> None:
    receipt = folder / "one.receipt"
    license_id = live(ledger, receipt)
    events = ledger.json("history", license_id, "--all")["events"]
    assert [(e["act"], e["verdict"], e["refusal"]) for e in events] == [
        ("ISSUE", "accepted", None),
        ("REVOKE", "accepted", None),
        ("REVOKE", "refused", "illegal_transition"),
    ]
    assert ledger.json("show", license_id)["state"] == "REVD"
    verified = ledger.json("verify", str(receipt))
    assert verified["result"] == "revoked"
    rebuilt = ledger.json("rebuild", "--swap", "--processes", "2")
    assert rebuilt["equal"]
    assert rebuilt["swapped"]
    audited = ledger.json("audit")
    assert audited["result"] == "pass"
    counted = {step["name"].split(":")[0]: step["checked"] for step in audited["steps"]}
    assert counted["archive"] == audited["records"] == FOUNDED + 3


def test_status_names_the_brokers(ledger: CliLedger, kafka_cluster: str) -> None:
    assert ledger.json("status")["kafka"] == kafka_cluster
    assert f"log: Kafka at {kafka_cluster}" in ledger.call("status").out


def test_single_broker_is_asked_for_by_name_and_told_of_each_time(
    folder: Path, kafka_broker: str, topics: str
) -> None:
    place = folder / "ledger"
    given = ("--kafka", kafka_broker, "--topics", topics, "--dir", str(place))
    refused = call("init", *given, "--json")
    assert refused.code == 4
    assert "--single-broker" in refused.document["error"]["expected"]
    assert not place.exists()
    with founded(place, *given[:-2], "--single-broker") as made:
        assert SINGLE_BROKER in made.founded.document["warnings"]
        assert SINGLE_BROKER in made.json("status")["warnings"]


def test_init_takes_no_topics_that_hold_records(
    ledger: CliLedger, folder: Path, kafka_cluster: str, topics: str
) -> None:
    said = call(
        *("init", "--kafka", kafka_cluster, "--topics", topics),
        *("--dir", str(folder / "second"), "--json"),
    )
    assert said.code == 2
    assert "hold records already" in said.document["error"]["reason"]
    assert not (folder / "second").exists()
    assert ledger.json("audit")["result"] == "pass"


def test_ledger_does_not_start_on_topics_that_forget(
    ledger: CliLedger, kafka_cluster: str, topics: str
) -> None:
    admin = KafkaAdminClient(bootstrap_servers=kafka_cluster.split(","))
    events = ConfigResource(ConfigResourceType.TOPIC, f"{topics}.events")
    events.configs = {"retention.ms": "1000000000"}
    admin.alter_configs([events])
    refused = ledger.json("status", code=2)["error"]
    assert "retention.ms=1000000000, expected -1" in refused["found"]
    events.configs = {"retention.ms": "-1"}
    admin.alter_configs([events])
    admin.close()
    assert ledger.json("status")["records"] == FOUNDED


def test_no_broker_is_unavailable_and_nothing_is_left(folder: Path) -> None:
    place = folder / "ledger"
    said = call("init", "--kafka", "127.0.0.1:1", "--dir", str(place), "--json")
    assert said.code == 4
    assert said.document["error"]["reason"] == "Kafka did not answer"
    assert not place.exists()


def test_copy_of_an_embedded_ledger_ends_in_the_same_root_and_tables(
    folder: Path, kafka_cluster: str, topics: str
) -> None:
    with founded(folder / "embedded") as made:
        license_id = live(made, folder / "one.receipt")
        before = made.json("audit")
        told = archives(made, license_id)
        place = KafkaPlace(bootstrap=tuple(kafka_cluster.split(",")), prefix=topics)
        target = Settings(directory=folder / "copy", kafka=place)
        with open_ledger(settings_of(folder / "embedded")) as opened:
            document = copy_ledger(opened, target, with_keys=True, told=lambda _: None)
        assert document["root"] == before["root"]
        refused = made.json("act", "REVOKE", "--file", "-", stdin="{}", code=4)
        assert "key" in refused["error"]["reason"]
    copy = CliLedger(
        directory=folder / "copy", founded=made.founded, _serials=count(100)
    )
    after = copy.json("audit")
    assert after["result"] == before["result"] == "pass"
    assert after["root"] == before["root"]
    assert copy.json("show", license_id)["state"] == "REVD"
    assert archives(copy, license_id) == told
    copy.issue()
    assert copy.json("audit")["accepted"] == before["accepted"] + 1
    verified = copy.json("verify", str(folder / "one.receipt"))
    assert verified["result"] == "revoked"
