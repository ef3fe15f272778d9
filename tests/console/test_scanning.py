"""scan finds what each chain alone does not show (一致性检查)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from console.ledger import Ledger
from console.reference import DOCS
from console.scan_kinds import KINDS
from console.settings import settings_of
from console.wiring import open_ledger
from ledger.drafting import DecisionDraft, Draft, HolderDraft
from ledger.license_identifiers import parse_certificate_identifier
from ledger.publish import sign_together
from projections import consistency
from tests.console.cli_ledger import BUSINESS, DEPARTMENT, CliLedger, later
from tests.console.departments import Department, enrol, small_type, stall
from tests.console.personal_data import CITIZENS

pytestmark = pytest.mark.postgres

ACTS = ("ISSUE", "CHANGE", "CANCEL", "TRANSFER_OUT", "TRANSFER_IN", "SUSPEND")
CODE, TOML = small_type("957", *ACTS, per_holder="one")
PREFIX = f"1.2.156.3005.2.{CODE}"


@pytest.fixture(scope="module")
def pair(
    cli_ledger: CliLedger, tmp_path_factory: pytest.TempPathFactory
) -> list[Department]:
    file = tmp_path_factory.mktemp("types") / "type.toml"
    file.write_text(TOML, encoding="utf-8")
    cli_ledger.json("registry", "type", str(file))
    return enrol(cli_ledger, 41, 42)


@pytest.fixture
def opened(cli_ledger: CliLedger) -> Iterator[Ledger]:
    with open_ledger(settings_of(cli_ledger.directory)) as ledger:
        ledger.catch_up()
        yield ledger


def found(ledger: CliLedger, kind: str, about: str, *more: str) -> list[dict[str, Any]]:
    """The findings of a kind about a license or batch; other tests leave some too."""
    said = ledger.call("scan", "--kind", kind, *more, "--json")
    document = said.document
    assert said.code == (1 if document["findings"] else 0)
    assert document["counts"].get(kind, 0) == len(document["findings"])
    return [
        one
        for one in document["findings"]
        if about in one["licenses"] or f"batch {about}" in one["detail"]
    ]


def issued(by: Department, serial: str, who: int, **changes: Any) -> dict[str, Any]:
    """A stall card of one of the invented citizens."""
    answer: dict[str, Any] = by.act(
        "ISSUE", stall(CODE, serial, CITIZENS[who], **changes)
    )
    return answer


def test_a_transfer_is_a_finding_until_its_other_half_is_there(
    cli_ledger: CliLedger, pair: list[Department]
) -> None:
    one, other = pair
    old = issued(one, "SCAN01", 0)["license_id"]
    left = one.act("TRANSFER_OUT", {"license_id": old, "effective_at": "2026-06-01"})
    [finding] = found(cli_ledger, "transfer_out_unmatched", old)
    assert finding["positions"] == [left["position"]]
    assert finding["zh"] == "转出未见转入"
    arguments = ("act", "TRANSFER_IN", "--from", old, "--file", "-")
    came = [
        other.json(*arguments, event={"serial": serial, "effective_at": "2026-06-02"})
        for serial in ("SCAN01A", "SCAN01B")
    ]
    assert found(cli_ledger, "transfer_out_unmatched", old) == []
    [twice] = found(cli_ledger, "transfer_in_twice", old)
    assert twice["positions"] == [answer["position"] for answer in came]
    assert found(cli_ledger, "transfer_in_unmatched", old) == []
    # The old issuer takes its act back: now both go on.
    undo = {"effective_at": "2026-06-03", "causes": [left["event_digest"]]}
    one.act("RESTORE", later(old, **undo))
    unmatched = found(cli_ledger, "transfer_in_unmatched", old)
    assert [one["licenses"][0] for one in unmatched] == [
        answer["license_id"] for answer in came
    ]


def test_a_license_from_nowhere_is_named(
    cli_ledger: CliLedger, pair: list[Department]
) -> None:
    elsewhere = f"{PREFIX}.{'1' * 18}.ELSEWHERE"
    form = stall(CODE, "SCAN02", CITIZENS[1])
    form["fields"]["previous_identifier"] = f"{elsewhere}.001.X"
    came = pair[0].act("TRANSFER_IN", form)
    [finding] = found(cli_ledger, "transfer_in_unknown", came["license_id"])
    assert finding["licenses"] == [came["license_id"], elsewhere]


def test_links_to_nothing_in_circles_and_to_strangers_are_named(
    cli_ledger: CliLedger, pair: list[Department]
) -> None:
    one = pair[0]
    first, second, third = (
        issued(one, f"SCAN03{letter}", who)["license_id"]
        for letter, who in (("A", 2), ("B", 2), ("C", 3))
    )

    def link(source: str, target: str) -> Any:
        given = {"effective_at": "2026-06-01", "fields": {"continues_as": target}}
        return one.act("LINK", later(source, **given))

    nowhere = f"{PREFIX}.{one.uscc}.NOWHERE"
    lost = link(third, nowhere)
    [finding] = found(cli_ledger, "link_target_missing", third)
    assert (finding["licenses"], finding["positions"]) == (
        [third, nowhere],
        [lost["position"]],
    )
    one.act("RESTORE", later(third, effective_at="2026-06-02",
                             causes=[lost["event_digest"]]))  # fmt: skip
    assert found(cli_ledger, "link_target_missing", third) == []
    link(third, first)
    [strange] = found(cli_ledger, "link_holders_differ", third)
    assert strange["licenses"] == [third, first]
    link(first, second)
    assert found(cli_ledger, "link_holders_differ", second) == []
    assert found(cli_ledger, "link_cycle", first) == []
    link(second, first)
    [ring] = found(cli_ledger, "link_cycle", first)
    assert ring["licenses"] == sorted([first, second])


def test_two_licenses_in_force_of_one_right_are_named_on_their_days(
    cli_ledger: CliLedger, pair: list[Department]
) -> None:
    one, other = pair
    first = issued(one, "SCAN04A", 4)
    second = issued(other, "SCAN04B", 4, effective_at="2026-04-01")
    both = [first["license_id"], second["license_id"]]
    suspended = {"effective_at": "2026-04-10", "fields": {"term_until": "2026-12-31"}}
    one.act("SUSPEND", later(both[0], **suspended))
    for day, states in (("2026-05-01", "SUSP, VALID"), ("2026-04-05", "VALID, VALID")):
        [finding] = found(cli_ledger, "two_in_force", both[1], "--as-of", day)
        assert finding["licenses"] == sorted(both)
        assert set(finding["positions"]) == {first["position"], second["position"]}
        assert finding["detail"].endswith(states) or both != sorted(both)
    early = ("--as-of", "2026-03-15")
    assert found(cli_ledger, "two_in_force", both[0], *early) == []
    ended = {"effective_at": "2026-05-10", "fields": {"ground": "6"}}
    one.act("CANCEL", later(both[0], **ended))
    late = ("--as-of", "2026-06-01")
    assert found(cli_ledger, "two_in_force", both[1], *late) == []
    [again] = found(cli_ledger, "two_in_force", both[1], "--as-of", "2026-05-01")
    assert again["licenses"] == sorted(both)


def test_a_batch_that_came_in_half_is_named_until_the_rest_is_there(
    cli_ledger: CliLedger, opened: Ledger
) -> None:
    batch_id = bytes.fromhex("5ca9" * 8)
    signers = opened.signers()
    events = [opened.draft(business(f"BATCH{n}"), signers) for n in range(3)]
    wrong = opened.draft(business("BATCH3", fields={"name": "无其他字段"}), signers)
    whole = sign_together(
        [*events, wrong], signers, batch_ids=[batch_id], partitions=opened.partitions
    )
    appended = opened.publish([whole[0], whole[2], whole[3]])
    opened.await_all(appended)
    [finding] = found(cli_ledger, "batch_incomplete", batch_id.hex())
    assert "2 of 4 not accepted" in finding["detail"]
    assert "invalid_fields" in finding["detail"]
    # Sending everything again brings the missing one and changes nothing else.
    opened.await_all(opened.publish(whole))
    [finding] = found(cli_ledger, "batch_incomplete", batch_id.hex())
    assert "1 of 4 not accepted" in finding["detail"]
    end = cli_ledger.json("status")["records"]
    nothing = cli_ledger.json("scan", "--kind", "batch_incomplete", "--from", str(end))
    assert nothing["findings"] == []


def business(serial: str, **changes: Any) -> Draft:
    """A draft of a business licence of the founding department."""
    fields = {
        "name": "沈阳示例有限公司", "uscc": "91210100MA0TE5T168", "type": "有限责任公司",
        "legal_rep": "示例", "founded_on": "2026-03-01", "address": "示范路1号",
        "scope": "软件开发", "registration_status": "存续", "valid_from": "2026-03-01",
        "valid_until": None,
    }  # fmt: skip
    given: dict[str, Any] = {
        "act": "ISSUE",
        "license_id": f"1.2.156.3005.2.{BUSINESS}.{DEPARTMENT}.{serial}",
        "effective_at": 1_772_294_400_000_000,  # 2026-03-01 00:00 UTC+8
        "authority": DEPARTMENT,
        "fields": fields,
        "holders": (HolderDraft(kind="001", code="91210100MA0TE5T168"),),
    }
    return Draft(**(given | changes))


def test_nonstandard_identifiers_are_listed(
    cli_ledger: CliLedger, opened: Ledger
) -> None:
    draft = business("ODD1")
    license_id = draft.license_id
    identifier = f"{license_id}.001.0"
    if parse_certificate_identifier(identifier).standard:
        identifier = f"{license_id}.001.1"
    row = opened.act(
        business(
            "ODD1",
            act="BASELINE",
            fields={**draft.fields, "state": "VALID",
                    "certificate_identifier": identifier},
            decision=DecisionDraft(number="", date="", reason_code="stock_import"),
            source_act="ISSUE",
            missing=("decision=not in the source",),
            nonstandard=True,
        )
    )  # fmt: skip
    assert row.verdict == "accepted", row.detail
    [finding] = found(cli_ledger, "nonstandard_identifier", license_id)
    assert (finding["positions"], finding["detail"]) == ([row.position], identifier)


def test_words_name_the_kind_in_both_languages_and_the_exit_code_says_found(
    cli_ledger: CliLedger, pair: list[Department]
) -> None:
    old = issued(pair[0], "SCAN05", 5)["license_id"]
    pair[0].act("TRANSFER_OUT", {"license_id": old, "effective_at": "2026-06-01"})
    said = cli_ledger.call("scan", "--kind", "transfer_out_unmatched")
    assert said.code == 1
    assert "transfer_out_unmatched 转出未见转入\n" in said.out
    assert f"  {old}\n" in said.out
    assert KINDS["transfer_out_unmatched"].remedy_zh in said.err
    end = str(cli_ledger.json("status")["records"])
    said = cli_ledger.call("scan", "--kind", "batch_incomplete", "--from", end)
    assert (said.code, said.out) == (0, "nothing found 未发现问题\n")


def test_pages_make_no_difference(
    cli_ledger: CliLedger, pair: list[Department], monkeypatch: pytest.MonkeyPatch
) -> None:
    old = issued(pair[0], "SCAN06", 5)["license_id"]
    pair[0].act("TRANSFER_OUT", {"license_id": old, "effective_at": "2026-06-01"})
    whole = cli_ledger.json("scan", code=1)
    assert old in [name for one in whole["findings"] for name in one["licenses"]]
    monkeypatch.setattr(consistency, "PAGE", 1)
    assert cli_ledger.json("scan", code=1) == whole


def test_an_unknown_kind_is_bad_usage(cli_ledger: CliLedger) -> None:
    error = cli_ledger.json("scan", "--kind", "ghosts", code=2)["error"]
    assert (error["code"], error["where"]) == ("bad_option_value", "--kind")


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_says_everything_in_both_languages(kind: str) -> None:
    row = KINDS[kind]
    assert (row.meaning + row.remedy).isascii()
    assert f"| `{kind}` | {row.zh} | " in (DOCS / "scan.md").read_text(encoding="utf-8")
    for text in (row.zh, row.meaning_zh, row.remedy_zh):
        assert any("\u4e00" <= char <= "\u9fff" for char in text)
