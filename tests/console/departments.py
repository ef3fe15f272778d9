"""Departments with key files of their own, on the ledger of the command line's tests."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from console.demo.people import uscc
from console.registering import Registrar
from console.settings import settings_of
from console.wiring import open_ledger
from tests.console.cli_ledger import DEPARTMENT, CliLedger
from tests.console.personal_data import Citizen


@dataclass(frozen=True, slots=True, kw_only=True)
class Department:
    """One department: its code, where it is, its key file, and the ledger it works on."""

    ledger: CliLedger
    uscc: str
    name: str
    key: Path

    def json(
        self, *arguments: str, event: dict[str, Any] | None = None, code: int = 0
    ) -> Any:
        """Runs a command that takes a key, with this department's."""
        stdin = "" if event is None else json.dumps(event)
        return self.ledger.json(
            *arguments, "--key", str(self.key), stdin=stdin, code=code
        )

    def act(self, name: str, event: dict[str, Any], *, code: int = 0) -> Any:
        """Publishes one act by this department's key."""
        return self.json("act", name, "--file", "-", event=event, code=code)


def enrol(
    ledger: CliLedger,
    *numbers: int,
    area: str = "210100",
    roles: tuple[str, ...] = ("publisher",),
) -> list[Department]:
    """Registers departments and their keys; ``numbers`` (0 to 999) are new here."""
    found: list[Department] = []
    with open_ledger(settings_of(ledger.directory)) as opened:
        opened.catch_up()
        registrar = Registrar(opened, signers=opened.root_signers(), authority="")
        for number in numbers:
            code, name = uscc("11", area, f"88888{number:03d}"), f"示范机构{number:03d}"
            registrar.authority(code, name=name, area=area, level="city", roles=roles)
            handle = f"department-{number:03d}"
            registrar.key(opened.ring.draw(handle, purpose="act", authority=code))
            key = opened.settings.keys / f"{handle}.json"
            found.append(Department(ledger=ledger, uscc=code, name=name, key=key))
        assert {row.verdict for row in registrar.publish()} == {"accepted"}
    return found


def small_type(
    sequence: str, *acts: str, joint: tuple[str, ...] = (), per_holder: str = "many"
) -> tuple[str, str]:
    """Code and TOML of a license type of persons: a name (class 3) and a trade.

    ``joint``: acts that two authorities sign.
    """
    code = f"{DEPARTMENT}{sequence}"
    signatures = "\n".join(f"{act} = [1, 2]" for act in joint)
    return (
        code,
        f"""
code = "{code}"
code_status = "placeholder"
source_rows = 0
name = "测试摊位证"
name_en = "stall card"
definer = "{DEPARTMENT}"
definer_name = ""
definer_level = "province"
issuer_level = "city"
issuer_name = ""
holder_category = "person"
holders_max = 1
current_per_holder = "{per_holder}"
validity = ["1年"]
acts = {json.dumps(acts)}
grace_days = 0
late_renewal = false
auto_extension = false
resume_on_application = false
horizon_days = 30
retention = "30"
[signatures]
{signatures}
[fields.name]
zh = "姓名"
value = "s"
mandatory = true
data_class = 3
[fields.trade]
zh = "经营项目"
value = "s"
mandatory = true
data_class = 1
""",
    )


def stall(code: str, serial: str, citizen: Citizen, **changes: Any) -> dict[str, Any]:
    """The event file of an ISSUE of such a type."""
    form = {
        "type": code,
        "serial": serial,
        "holders": [{"kind": "111", "code": citizen.id_no}],
        "effective_at": "2026-03-01",
        "fields": {
            "name": citizen.name,
            "trade": "修鞋",
            "valid_from": "2026-03-01",
            "valid_until": "2036-02-29",
        },
    }
    return form | changes
