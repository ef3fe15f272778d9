"""What is known of a natural person stands nowhere in clear: no file, no printed line."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from console.embedded import EmbeddedPostgres
from console.reading import ERASED
from tests.console.commands import Commands, commands
from tests.console.personal_data import (
    CITIZENS,
    Citizen,
    byte_forms,
    files,
    forms,
    found_in,
    tables,
)
from tests.folders import own_folder

pytestmark = [pytest.mark.postgres, pytest.mark.slow]

ID_CARD = "11100000000013127D001"
MARRIAGE = "111000000000131433001"
SUPERVISOR = "11210102MB00TE5T6W"
OFFICE = "沈阳市浑南区民政局婚姻登记处"  # class 1: in clear
TRADE = "街头手工面人制作"  # class 1: in clear
PHOTO = "sm3:" + "5a" * 32 + ":20480:image/jpeg"
SPOUSES = CITIZENS[1:3]
ROWS = 450

MAPPING = """
[source]
system = "stalls"
row_key = "Row"
dates = "YYYY-MM-DD"
[license]
serial = "Number"
valid_from = "From"
type_sequence = "900"
[holder]
kind = "111"
code = "Citizen"
[fields]
name = "Name"
id_no = "Citizen again"
phone = "Phone"
address = "Address"
trade = "Trade"
born = "Born"
[[acts]]
column = "Kind"
date = "Done"
face = true
[acts.values]
NEW = "ISSUE"
LONGER = "RENEW"
[type]
name = "摊贩登记"
name_en = "street stall"
code_status = "foreign"
definer_level = "other"
issuer_level = "city"
holder_category = "person"
holders_max = 1
validity = ["1年"]
acts = ["ISSUE", "RENEW", "CORRECT"]
current_per_holder = "many"
retention = "long"
[type.fields]
name = { zh = "姓名", value = "s", mandatory = true, data_class = 3 }
phone = { zh = "电话", value = "s", mandatory = true, data_class = 3 }
address = { zh = "住址", value = "s", mandatory = true, data_class = 3 }
born = { zh = "出生日期", value = "d", mandatory = true, data_class = 3 }
trade = { zh = "经营项目", value = "s", mandatory = true, data_class = 1 }
[type.fields.id_no]
zh = "公民身份号码"
value = "s"
mandatory = true
data_class = 4
format = "citizen_id"
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    with own_folder() as made:
        yield made


def id_card(who: Citizen, serial: str, **more: Any) -> dict[str, Any]:
    """The event file of an ISSUE; its reason names a person as reasons do."""
    return {
        "type": ID_CARD,
        "serial": serial,
        "holders": [{"kind": "111", "code": who.id_no}],
        "effective_at": "2026-01-05",
        "decision": {
            "number": "示〔2026〕1号",
            "date": "2026-01-05",
            "reason_code": "application",
            "reason": f"{who.name}（{who.id_no}，{who.phone}，{who.address}）申领",
        },
        "fields": {
            "name": who.name,
            "sex": who.sex,
            "ethnicity": "汉族",
            "birth_date": who.born,
            "address": who.address,
            "id_no": who.id_no,
            "photo": PHOTO,
            "valid_from": "2026-01-05",
            "valid_until": "2046-01-04",
            **more,
        },
    }


def marriage(serial: str, **more: Any) -> dict[str, Any]:
    parties = [
        {
            "name": one.name,
            "sex": one.sex,
            "nationality": "中国",
            "birth_date": one.born,
            "id_no": one.id_no,
        }
        for one in SPOUSES
    ]
    return {
        "type": MARRIAGE,
        "serial": serial,
        "holders": [{"kind": "111", "code": one.id_no} for one in SPOUSES],
        "effective_at": "2026-02-06",
        "fields": {
            "cert_word": "J210112-2026-000077",
            "registered_on": "2026-02-06",
            "parties": parties,
            "photo": PHOTO,
            "registry_office": OFFICE,
            "valid_from": "2026-02-06",
            "valid_until": None,
            **more,
        },
    }


def stall(number: int, who: Citizen, **more: str) -> dict[str, str]:
    """One row of the register of street stalls."""
    return {
        "Row": f"s{number}",
        "Number": f"{number:06}",
        "Citizen": who.id_no,
        "Citizen again": who.id_no,
        "Name": who.name,
        "Phone": who.phone,
        "Address": who.address,
        "Trade": TRADE,
        "Born": who.born,
        "From": "2026-01-01",
        "Kind": "NEW",
        "Done": "2026-01-01",
        **more,
    }


def wrong_stalls(who: Citizen) -> list[dict[str, str]]:
    """Rows of which none may come in, each with somebody's data where it is wrong."""
    wrong = (
        {"Citizen": who.wrong_id},
        {"Citizen": who.name},
        {"Citizen again": who.wrong_id},
        {"Trade": f"找{who.id_no}"},
        {"Number": who.id_no},
        {"Number": who.name},
        {"Row": who.id_no},
        {"Done": who.name},
        {"From": who.phone},
        {"Born": who.id_no},
        {"Kind": who.name},
        {"Name": f"{who.name}\x07"},
        {"Address": who.address * 100},
    )
    return [stall(900_000 + at, who, **one) for at, one in enumerate(wrong)]


def write_csv(path: Path, rows: Sequence[Mapping[str, str]], *, header: bool) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        if header:
            writer.writeheader()
        writer.writerows(rows)
    return path


@dataclass(slots=True)
class Office:
    """Everything that is done to the ledger, and what it printed."""

    commands: Commands
    folder: Path
    mapping: Path
    revealed: set[Path] = field(default_factory=set)

    def act(self, name: str, event: object, *, code: int) -> None:
        """One act, answered by turns for programs and for people."""
        text = event if isinstance(event, str) else json.dumps(event)
        options = ("--json",) * (len(self.commands.started) % 2)
        ended = self.commands.run("act", name, "--file", "-", *options, stdin=text)
        assert ended.code == code, ended

    def import_(self, path: Path, *, code: int = 0) -> Any:
        return self.commands.answer("import", str(self.mapping), str(path), code=code)

    def reveal(self, license_id: str) -> Any:
        """What ``show --reveal`` shows; it alone may show it."""
        running = self.commands.start(
            "show", license_id, "--reveal", "counter check", "--json"
        )
        self.revealed.add(running.out)
        return running.end().document

    def search(self) -> None:
        """Fails when anything is found; fails too when nothing could be found."""
        needles = {
            form: needle for who in CITIZENS for form, needle in who.needles.items()
        }
        stored = [
            (name, data)
            for name, data in files(self.commands.directory)
            # Rejected rows go back as they came; their owner alone reads them.
            if not name.startswith("rejects/") or not self.owner_alone_reads(name)
        ]
        printed = [
            (str(path), path.read_bytes())
            for running in self.commands.started
            for path in (running.out, running.err)
            if path not in self.revealed
        ]
        assert found_in(needles, (*stored, *printed)) == set()
        found = {form for form, _ in found_in(forms("control", OFFICE), stored)}
        assert "control" in found

    def owner_alone_reads(self, name: str) -> bool:
        path = self.commands.directory / name
        modes = [one.stat().st_mode & 0o077 for one in (path, path.parent)]
        return modes == [0, 0]


def test_a_citizen_stands_nowhere_in_clear(folder: Path) -> None:
    mapping = folder / "stalls.toml"
    mapping.write_text(MAPPING, encoding="utf-8")
    with commands(folder / "ledger", folder / "printed") as given:
        given.answer("init")
        office = Office(given, folder, mapping)
        card = f"1.2.156.3005.2.{ID_CARD}.11210000999990010U.CARD1"
        # Joined here, the server need not start for every command.
        with EmbeddedPostgres(given.directory / "pg"):
            publish(office)
            publish_wrong(office)
        import_and_crash(office)
        office.search()
        with EmbeddedPostgres(given.directory / "pg") as server:
            import_all(office)
            read(office, card)
            erase(office, card)
            dumped = list(tables(server.dsn))
        office.search()
        for who in CITIZENS:
            assert found_in(who.needles, dumped) == set()
        places = {place for _, place in found_in(forms("control", TRADE), dumped)}
        assert {'"log"."record"', '"views"."chain_act"'} <= places


def publish(office: Office) -> None:
    """Accepted acts, and ones that the ledger refuses with all that is in them."""
    for code in (0, 3):  # issued a second time, it is refused
        office.act("ISSUE", id_card(CITIZENS[0], "CARD1"), code=code)
        office.act("ISSUE", marriage("PAIR1"), code=code)
    unknown = id_card(CITIZENS[3], "CARD2", phone=CITIZENS[3].phone)
    office.act("ISSUE", unknown, code=3)


def publish_wrong(office: Office) -> None:
    """Acts that are not published, for their form or for a number in clear."""
    who = CITIZENS[3]
    held_back: tuple[object, ...] = (
        marriage("PAIR2", registry_office=f"{OFFICE}{who.id_no}"),
        id_card(who, who.id_no),
    )
    for event in held_back:
        office.act("ISSUE", event, code=3)
    card = id_card(who, "CARD3")
    malformed: tuple[object, ...] = (
        id_card(who, "CARD3", id_no=who.wrong_id),
        id_card(who, "CARD3", birth_date=who.name),
        id_card(who, "CARD3", name={"is": who.name}),
        id_card(who, "CARD3", **{who.id_no: who.name}),
        id_card(who, who.name),
        {**card, who.id_no: who.name},
        {**card, "decision": {who.name: who.phone}},
        {**card, "matter": {who.name: who.phone}},
        {**card, "medium": who.name},
        {**card, "causes": [who.id_no]},
        {**card, "effective_at": who.id_no},
        {**card, "type": who.name},
        {**card, "holders": who.id_no},
        {**card, "holders": [{"kind": who.id_no, "code": "111"}]},
        {**card, "holders": [{"kind": "111", "code": who.wrong_id}]},
        {**card, "holders": [{"kind": "111", "code": who.id_no, "name": who.name}]},
        json.dumps(card, ensure_ascii=False)[:-2],
        f"{who.name} {who.id_no}",
    )
    for event in malformed:
        office.act("ISSUE", event, code=2)
    for name in (who.id_no, f"stalls:{who.id_no}"):
        assert office.commands.run("show", name).code == 1
        assert office.commands.run("history", name, "--json").code == 1


def stalls() -> list[dict[str, str]]:
    return [stall(number, CITIZENS[4 + number % 2]) for number in range(ROWS)]


def import_and_crash(office: Office) -> None:
    """Kills an import that has its rows on disk, and PostgreSQL with it."""
    path = write_csv(office.folder / "stalls.csv", stalls(), header=True)
    directory = office.commands.directory
    importing = office.commands.start("import", str(office.mapping), str(path))
    while importing.alive and not (staged := staged_bytes(directory)):
        time.sleep(0.001)
    importing.kill()
    for process in office.commands.servers():
        with suppress(psutil.NoSuchProcess):  # the first one's end ends the others
            process.kill()
    assert importing.end().code == -9
    assert staged_bytes(directory) >= staged > ROWS * 100


def staged_bytes(directory: Path) -> int:
    """Bytes of rows that are put in order on disk, once they are all there."""
    sizes = [path.stat().st_size for path in directory.glob("staging/*.stage")]
    return max((size for size in sizes if size > ROWS * 100), default=0)


def import_all(office: Office) -> None:
    """Imports all rows, wrong ones among them, and files that are no good."""
    rows = [*stalls(), *wrong_stalls(CITIZENS[5])]
    wrong = len(rows) - ROWS
    path = write_csv(office.folder / "all.csv", rows, header=True)
    told = office.import_(path)
    assert told["rows_rejected"] == wrong
    assert told["rows_accepted"] + told["rows_unchanged"] == ROWS
    moved = [stall(1, CITIZENS[4]), stall(2, CITIZENS[4], Phone=CITIZENS[5].phone)]
    path = write_csv(office.folder / "moved.csv", moved, header=True)
    assert office.import_(path)["rows_rejected"] == 2
    path = write_csv(office.folder / "headless.csv", rows, header=False)
    office.import_(path, code=2)
    torn = office.folder / "torn.csv"
    text = (office.folder / "stalls.csv").read_text(encoding="utf-8")
    torn.write_text(text.replace(CITIZENS[4].name, f'"{CITIZENS[4].name}"x', 1))
    office.import_(torn, code=2)


def read(office: Office, card: str) -> None:
    """Whatever readers ask, for people and for programs."""
    given = office.commands
    for options in ((), ("--json",)):
        for command in (
            ("status",),
            ("show", card),
            ("show", "stalls:000001"),
            ("history", card, "--all"),
            ("history", "stalls:000001"),
            ("key", "list"),
            ("registry", "list"),
            ("receipt", card, "--out", str(given.directory / "receipt")),
            ("verify", str(given.directory / "receipt")),
            ("audit",),
            ("trace", card, "name"),
            ("trace", "stalls:000002", "holders"),
            ("directory",),
        ):
            ended = given.run(*command, *options)
            assert ended.code == 0, ended
        ended = given.run("holder", "111", "-", *options, stdin=CITIZENS[4].id_no)
        assert ended.code == 0, ended
    shown = office.reveal(card)
    assert shown["fields"]["name"] == CITIZENS[0].name
    assert shown["fields"]["id_no"] == CITIZENS[0].id_no
    assert shown["holders"][0]["code"] == CITIZENS[0].id_no


def erase(office: Office, card: str) -> None:
    """Destroys the key of one holder and license; the proofs stay."""
    given = office.commands
    keys = given.directory / "keys"
    given.answer(
        *("registry", "authority", SUPERVISOR, "--name", "监督机构"),
        *("--area", "210000", "--level", "province", "--role", "supervisor"),
    )
    given.answer("key", "new", "supervisor", "--authority", SUPERVISOR)
    given.answer("key", "register", str(keys / "supervisor.json"))
    names = ("department", "supervisor")
    both = [f"--key={keys / name}.json" for name in names]
    assert given.answer("erase", card, *both)["verdict"] == "accepted"
    fields = office.reveal(card)["fields"]
    closed = ("name", "sex", "ethnicity", "birth_date", "address", "id_no", "photo")
    assert {fields[name] for name in closed} == {ERASED}
    other = office.reveal("stalls:000001")
    assert other["fields"]["name"] == CITIZENS[5].name
    assert given.answer("audit")["result"] == "pass"


@pytest.mark.parametrize("before", range(4))
def test_the_search_knows_base64_at_every_place(before: int) -> None:
    import base64

    text = base64.b64encode(bytes(range(before)) + CITIZENS[0].name.encode() + b"!!")
    found = found_in(forms("name", CITIZENS[0].name), [("here", text)])
    assert found == {(f"name, base64 behind {before % 3}", "here")}


def test_the_search_finds_every_form_behind_zeros() -> None:
    for form, needle in CITIZENS[0].needles.items():
        data = bytes(300) + needle + bytes(300)
        assert (form, "here") in found_in(CITIZENS[0].needles, [("here", data)])
    assert byte_forms("x", b"\xff\xff\xff")["x, base64url behind 0"] == b"____"
