"""Which department imports, and whose licenses: ``--key`` and ``license.issuer``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from console.demo.people import uscc
from tests.console.cli_ledger import CliLedger
from tests.console.departments import Department, enrol

pytestmark = pytest.mark.postgres

SAFETY = "11210000999990010U042"
MAPPING = """
[source]
system = "{system}"
row_key = "流水号"
dates = "year-first"
[license]
type_code = "{type}"
{issuer}
serial = "流水号"
valid_from = "有效期起"
valid_until = "有效期止"
[holder]
kind = "001"
code = "统一社会信用代码"
[fields]
number = "编号"
uscc = "统一社会信用代码"
name = "单位名称"
responsible_person = "主要负责人"
scope = "许可范围"
[[acts]]
always = "BASELINE"
date = "有效期起"
face = true
"""
HEADER = "流水号,编号,统一社会信用代码,单位名称,主要负责人,许可范围,有效期起,有效期止"


class Register:
    """A file of one license and a mapping for it, in a folder."""

    def __init__(self, folder: Path, system: str) -> None:
        self.folder = folder
        self.system = system
        self.file = folder / "register.csv"
        row = (
            f"{system.upper()}1,(辽)JZ安许证字[2025]000101,{uscc('91', '210102', '77777001')},"
            "示范公司,示范人,建筑施工,2025-3-1,2028-2-28"
        )
        self.file.write_text(f"{HEADER}\n{row}\n", encoding="utf-8")

    def mapping(self, issuer: str = "") -> str:
        """Path of a mapping file; ``issuer`` empty: the department that imports."""
        path = self.folder / f"mapping-{issuer or 'own'}.toml"
        said = f'issuer = "{issuer}"' if issuer else ""
        text = MAPPING.format(system=self.system, type=SAFETY, issuer=said)
        path.write_text(text, encoding="utf-8")
        return str(path)


def imported(by: Department, register: Register, issuer: str = "") -> Any:
    """What an import by a department's key says."""
    return by.json("import", register.mapping(issuer), str(register.file))


def test_department_imports_its_own_licenses_with_its_own_key(
    cli_ledger: CliLedger, tmp_path: Path
) -> None:
    [office] = enrol(cli_ledger, 401, roles=("publisher", "custodian"))
    register = Register(tmp_path, "own401")
    assert imported(office, register)["rows_accepted"] == 1
    shown = cli_ledger.json("show", "own401:OWN4011")
    assert shown["license_id"].split(".")[-2] == office.uscc
    assert imported(office, register)["rows_unchanged"] == 1


def test_custodian_imports_for_an_issuer_of_its_area(
    cli_ledger: CliLedger, tmp_path: Path
) -> None:
    issuer, elsewhere = enrol(cli_ledger, 402), enrol(cli_ledger, 403, area="210200")
    [custodian] = enrol(cli_ledger, 404, roles=("custodian",))
    register = Register(tmp_path, "for402")
    assert imported(custodian, register, issuer[0].uscc)["rows_accepted"] == 1
    shown = cli_ledger.json("show", "for402:FOR4021")
    assert shown["license_id"].split(".")[-2] == issuer[0].uscc
    other = Register(tmp_path, "for403")
    refused = imported(custodian, other, elsewhere[0].uscc)
    assert refused["reasons"] == {"not_authorised": 1}
    told = custodian.json(
        "import", "--check", other.mapping(elsewhere[0].uscc), str(other.file)
    )
    [missing] = told["missing"]
    assert f"may not import 无权归集 BASELINE of type {SAFETY}" in missing
    assert elsewhere[0].uscc in missing


def test_check_tells_of_an_issuer_that_is_not_registered(
    cli_ledger: CliLedger, tmp_path: Path
) -> None:
    register = Register(tmp_path, "nobody")
    stranger = uscc("11", "210100", "88889999")
    told = cli_ledger.json(
        "import", "--check", register.mapping(stranger), str(register.file)
    )
    assert told["missing"] == [f"issuer {stranger} is not registered 发证机关未登记"]


def test_issuer_that_is_no_code_is_refused_with_its_place(
    cli_ledger: CliLedger, tmp_path: Path
) -> None:
    register = Register(tmp_path, "wrong")
    said = cli_ledger.json(
        "import", register.mapping("沈阳市局"), str(register.file), code=2
    )
    assert said["error"]["code"] == "bad_mapping"
    assert said["error"]["where"].endswith("license: issuer")
