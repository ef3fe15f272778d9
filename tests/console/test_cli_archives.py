"""holder, trace, directory: archives at the command line, masked unless revealed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pytest

from console.reading import ERASED
from tests.console.cli_ledger import BUSINESS, DEPARTMENT, CliLedger, later
from tests.console.personal_data import CITIZENS
from tests.console.test_personal_data import ID_CARD, SUPERVISOR, id_card, marriage

pytestmark = pytest.mark.postgres
COMPANY, OTHER_COMPANY = "91210100MA0TE5T168", "91350100M000100Y43"
NOBODY_ELSES = "91210102MA0TE5T40M"
"""A company of one test alone: the others share this ledger."""
WHO, SPOUSE = CITIZENS[0], CITIZENS[1]


def issue(ledger: CliLedger, form: Mapping[str, Any]) -> str:
    identifier: str = ledger.act("ISSUE", dict(form))["license_id"]
    return identifier


def of_company(ledger: CliLedger, code: str, **face: Any) -> str:
    form = ledger.form(**face)
    return issue(ledger, {**form, "holders": [{"kind": "001", "code": code}]})


def archive(ledger: CliLedger, kind: str, code: str, *options: str) -> Any:
    return ledger.json("holder", kind, "-", *options, stdin=code)


def entry(document: Any, license_id: str) -> Any:
    [found] = [o for o in document["licenses"] if o["license_id"] == license_id]
    return found


# --- holder -------------------------------------------------------------------------


def test_a_company_that_gave_its_license_away_keeps_it_in_its_archive(
    cli_ledger: CliLedger,
) -> None:
    one = of_company(cli_ledger, COMPANY)
    moved = later(one, holders=[{"kind": "001", "code": OTHER_COMPANY}])
    change = cli_ledger.act("CHANGE", {**moved, "fields": {"scope": "咨询"}})
    held = entry(archive(cli_ledger, "001", COMPANY), one)
    assert held["held"] == [
        {
            "from": "2025-03-01",
            "until": "2025-06-01",
            "place": 0,
            "role": "holder 持证人",
        }
    ]
    assert [(told["act"], told["place"]) for told in held["told_by"]] == [
        ("ISSUE", 0),
        ("CHANGE", None),
    ]
    assert held["told_by"][1]["position"] == change["position"]
    taken = entry(archive(cli_ledger, "001", OTHER_COMPANY), one)
    assert [(own["from"], own["until"]) for own in taken["held"]] == [
        ("2025-06-01", None)
    ]
    assert taken["state"] == "VALID"


def test_a_link_makes_one_line_of_descent(cli_ledger: CliLedger) -> None:
    old, new = of_company(cli_ledger, COMPANY), of_company(cli_ledger, COMPANY)
    cli_ledger.act("LINK", {**later(old), "fields": {"continues_as": new}})
    document = archive(cli_ledger, "001", COMPANY)
    [line] = [one for one in document["lines"] if one["current"] == new]
    assert line["licenses"] == [old, new]
    [joint] = line["joints"]
    assert (joint["act_zh"], joint["matched"]) == ("归并", True)
    assert entry(document, old)["state_zh"] == "已归并"


def test_the_archive_of_a_day_knows_nothing_later(cli_ledger: CliLedger) -> None:
    one = of_company(cli_ledger, COMPANY)
    document = archive(cli_ledger, "001", COMPANY, "--as-of", "2025-02-28")
    assert one not in [own["license_id"] for own in document["licenses"]]
    document = archive(cli_ledger, "001", COMPANY, "--as-of", "2025-03-01")
    assert entry(document, one)["opened"] == "2025-03-01"


def test_what_is_beyond_the_limit_is_counted(cli_ledger: CliLedger) -> None:
    of_company(cli_ledger, NOBODY_ELSES)
    last = of_company(cli_ledger, NOBODY_ELSES)
    document = archive(cli_ledger, "001", NOBODY_ELSES, "--limit", "1")
    assert [one["license_id"] for one in document["licenses"]] == [last]
    assert document["left_out"] == 1


def test_a_person_is_masked_until_a_purpose_is_given(cli_ledger: CliLedger) -> None:
    pair = issue(cli_ledger, marriage("ARCHIVED1"))
    document = archive(cli_ledger, "111", SPOUSE.id_no)
    held = entry(document, pair)
    assert [own["role"] for own in held["held"]] == ["holder 持证人"]
    assert SPOUSE.id_no not in str(document)
    assert CITIZENS[2].id_no not in str(document)
    other = entry(archive(cli_ledger, "111", CITIZENS[2].id_no), pair)
    assert [own["role"] for own in other["held"]] == ["co-holder 共有人"]
    shown = archive(cli_ledger, "111", SPOUSE.id_no, "--reveal", "counter check")
    codes = [one["code"] for one in entry(shown, pair)["holders"]]
    assert codes == [SPOUSE.id_no, CITIZENS[2].id_no]
    accessed = (cli_ledger.directory / "access").read_text(encoding="utf-8")
    assert "counter check" in accessed
    assert SPOUSE.id_no not in accessed


def test_a_ref_finds_its_holder_too(cli_ledger: CliLedger) -> None:
    one = of_company(cli_ledger, COMPANY)
    day = ("--as-of", "2026-01-01")
    document = archive(cli_ledger, "001", COMPANY, *day)
    [ref] = document["refs"]
    again = cli_ledger.json("holder", "ref", ref, *day)
    assert again == document
    assert entry(again, one)["held"][0]["from"] == "2025-03-01"


NOBODY: Final = "210102196102287175"
"""A number in form that no test gives to a holder: the others share this ledger."""


@pytest.mark.parametrize(
    ("kind", "code", "exit_code"),
    [
        ("111", NOBODY, 1),
        ("001", "91440300MA5DC0HG1X", 1),
        ("ref", "00" * 32, 1),
        ("ref", "00", 2),
        ("xyz", NOBODY, 2),
        ("111", "", 2),
        ("111", "8" * 2_000, 2),
    ],
)
def test_nobodys_archive_is_an_error_that_quotes_no_code(
    cli_ledger: CliLedger, kind: str, code: str, exit_code: int
) -> None:
    said = cli_ledger.call("holder", kind, "-", stdin=code)
    assert said.code == exit_code
    assert said.out == ""
    assert "expected" in said.err
    if code:
        assert code not in said.err


def test_the_archive_is_told_in_words(cli_ledger: CliLedger) -> None:
    one = of_company(cli_ledger, COMPANY)
    said = cli_ledger.call("holder", "001", COMPANY)
    assert said.code == 0
    assert one in said.out
    assert "holder 持证人  from 2025-03-01" in said.out


# --- trace --------------------------------------------------------------------------


def test_a_correction_is_true_from_the_original_date_and_known_since(
    cli_ledger: CliLedger,
) -> None:
    one = cli_ledger.issue(scope="软件")
    issued = cli_ledger.json("history", one)["events"][0]
    correct = {
        **later(one, causes=[issued["event_digest"]]),
        "fields": {"scope": "软件开发"},
    }
    corrected = cli_ledger.act("CORRECT", correct)
    document = cli_ledger.json("trace", one, "scope")
    assert cli_ledger.json("trace", one, document["field_zh"]) == document
    first, second = document["events"]
    assert (first["new"], first["replaced_by"], first["because"]) == (
        *("软件", corrected["position"], "CORRECT"),
    )
    assert (second["old"], second["new"]) == ("软件", "软件开发")
    assert second["names"] == issued["position"]
    assert second["decision_number"] == "示〔2025〕9号"
    assert second["authority"] == DEPARTMENT
    assert second["signers"] == issued["signers"]
    assert document["in_force"] == [
        {"from": "2025-03-01", "until": None, "value": "软件开发"}
    ]
    known = ("--known-at", first["recorded_at"])
    before = cli_ledger.json("trace", one, "scope", "--as-of", "2025-09-01", *known)
    assert before["value"] == "软件"
    assert [event["act"] for event in before["events"]] == ["ISSUE"]
    now = cli_ledger.json("trace", one, "scope", "--as-of", "2025-03-01")
    assert now["value"] == "软件开发"


def test_what_a_restore_undid_never_held_and_is_told_all_the_same(
    cli_ledger: CliLedger,
) -> None:
    one = cli_ledger.issue(scope="软件")
    change = cli_ledger.act("CHANGE", {**later(one), "fields": {"scope": "餐饮"}})
    undone = cli_ledger.act(
        "RESTORE", {**later(one), "causes": [change["event_digest"]]}
    )
    document = cli_ledger.json("trace", one, "scope")
    assert [(e["act"], e["old"], e["new"]) for e in document["events"]] == [
        ("ISSUE", None, "软件"),
        ("CHANGE", "软件", "餐饮"),
        ("RESTORE", "餐饮", "软件"),
    ]
    assert document["events"][1]["replaced_by"] == undone["position"]
    assert document["events"][2]["new_position"] == document["events"][0]["position"]
    assert [held["value"] for held in document["in_force"]] == ["软件"]


def test_a_personal_field_is_masked_until_a_purpose_is_given(
    cli_ledger: CliLedger,
) -> None:
    card = issue(cli_ledger, id_card(WHO, "ARCHIVED1"))
    document = cli_ledger.json("trace", card, "name")
    assert (document["field_zh"], document["value"]) == ("姓名", "欧**远")
    assert WHO.name not in cli_ledger.call("trace", card, "name").out
    shown = cli_ledger.json("trace", card, "name", "--reveal", "court file 7")
    assert shown["value"] == shown["events"][0]["new"] == WHO.name
    assert "court file 7" in (cli_ledger.directory / "access").read_text()
    holders = cli_ledger.json("trace", card, "holders")
    assert holders["value"][0]["code"] == f"{WHO.id_no[:6]}********{WHO.id_no[-4:]}"


def test_a_field_that_belongs_to_its_act_is_traced_by_acts(
    cli_ledger: CliLedger,
) -> None:
    one = cli_ledger.issue()
    document = cli_ledger.json("trace", one, "certificate_identifier")
    [event] = document["events"]
    assert event["new"].startswith(one)
    assert document["in_force"] == []


def test_a_field_that_is_none_is_named_by_none(cli_ledger: CliLedger) -> None:
    one = cli_ledger.issue()
    said = cli_ledger.call("trace", one, WHO.id_no)
    assert said.code == 2
    assert "legal_rep" in said.err
    assert WHO.id_no not in said.err
    assert cli_ledger.call("trace", "nothing", "scope").code == 1


# --- directory ----------------------------------------------------------------------


def test_the_directory_counts_by_issuer_and_type(cli_ledger: CliLedger) -> None:
    def entries(*options: str) -> Any:
        asked = ("--issuer", DEPARTMENT, "--type", BUSINESS)
        return cli_ledger.json("directory", *asked, *options)["entries"]

    [before] = entries() if (one := cli_ledger.issue()) else []
    cli_ledger.act("REVOKE", later(one))
    [after] = entries()
    assert after["licenses"] == before["licenses"]
    assert after["valid"] == before["valid"] - 1
    ended = before["ended"].get("REVD", 0)
    assert after["ended"]["REVD"] == ended + 1
    assert (after["type_name"], after["issuer_name"]) == (
        *("营业执照", "示范省政务服务局"),
    )
    assert entries("--as-of", "2020-01-01") == []
    assert entries("--area", "210000") == [after]
    assert entries("--area", "330000") == []


def test_types_of_which_nothing_was_issued_are_listed(cli_ledger: CliLedger) -> None:
    document = cli_ledger.json("directory", "--as-of", "2020-01-01")
    assert BUSINESS in [one["type"] for one in document["nothing_issued"]]
    assert document["entries"] == []
    said = cli_ledger.call("directory")
    assert said.code == 0
    assert "issuer 发证机关" in said.out
    assert cli_ledger.call("directory", "--area", "沈阳").code == 2


@pytest.mark.parametrize(
    ("option", "value", "code", "name"),
    [
        ("--type", BUSINESS[:-1] + "9", 2, "no_such_type"),
        ("--issuer", "11330000002482138Y", 1, "authority_not_found"),
    ],
)
def test_a_directory_of_what_the_ledger_does_not_know_is_no_empty_one(
    cli_ledger: CliLedger, option: str, value: str, code: int, name: str
) -> None:
    said = cli_ledger.call("directory", option, value)
    assert (said.code, said.out) == (code, "")
    assert name in said.err


# --- erased -------------------------------------------------------------------------


def test_what_was_erased_shows_as_erased(cli_ledger: CliLedger) -> None:
    card = issue(cli_ledger, id_card(CITIZENS[4], "ARCHIVED2"))
    keys = cli_ledger.directory / "keys"
    cli_ledger.json(
        *("registry", "authority", SUPERVISOR, "--name", "监督机构"),
        *("--area", "210000", "--level", "province", "--role", "supervisor"),
    )
    cli_ledger.json("key", "new", "supervisor", "--authority", SUPERVISOR)
    cli_ledger.json("key", "register", str(keys / "supervisor.json"))
    both = [f"--key={keys / name}.json" for name in ("department", "supervisor")]
    assert cli_ledger.json("erase", card, *both)["verdict"] == "accepted"
    document = cli_ledger.json("trace", card, "name", "--reveal", "counter check")
    assert document["value"] == ERASED
    assert [event["new"] for event in document["events"]] == [ERASED]
    held = entry(archive(cli_ledger, "111", CITIZENS[4].id_no), card)
    assert held["fields"]["name"] == ERASED
    assert held["type"] == ID_CARD
