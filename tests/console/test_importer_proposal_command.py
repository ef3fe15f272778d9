"""``mapping new`` as a command: what it shows, what it asks whoever sits there."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from console.importer.mapping import parse_mapping
from ledger.errors import Malformed
from tests.console.cli_ledger import call
from tests.console.test_importer_proposal import HEADER, PERMIT, ROWS, written


def test_command_shows_no_values_and_writes_once(tmp_path: Path) -> None:
    path = written(tmp_path, HEADER, *ROWS)
    out = tmp_path / "new.toml"
    given = ("mapping", "new", str(path), "--type", PERMIT)
    said = call(*given, "--out", str(out), "--json")
    assert said.code == 0
    assert said.document["questions"] == []
    assert said.document["mapping"] == out.read_text(encoding="utf-8")
    for hidden in ("周秘密", "91210102MA0TE5T40M", "三号公司", "2025000102"):
        assert hidden not in said.out + said.err
    assert call(*given, "--out", str(out)).code == 2
    checked = call("mapping", "check", str(out), str(path), "--json")
    assert checked.document["acts"] == ["BASELINE", "CANCEL"]
    assert call("mapping", "check", str(out), str(out)).code == 2


def test_command_asks_for_the_type_it_cannot_tell(tmp_path: Path) -> None:
    path = str(written(tmp_path, HEADER, *ROWS))
    said = call("mapping", "new", path, "--json")
    assert said.code == 2
    assert json.loads(said.out)["error"]["code"] == "type_not_told"
    assert len(json.loads(said.out)["error"]["expected"]) < 100
    assert call("mapping", "new", path, "--type", "安全生产许可证").code == 0
    assert call("mapping", "new", path, "--type", "许可证").code == 2


def at_terminal(
    monkeypatch: pytest.MonkeyPatch, path: Path, out: Path, *answers: str
) -> None:
    """Runs ``mapping new`` with somebody who gives these answers, and no other."""
    left = list(answers)

    class Terminal:
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(
        "console.cli.mapping.typer.prompt", lambda *_, **__: left.pop(0)
    )
    monkeypatch.setattr(sys, "stdin", Terminal())
    from console.cli import mapping

    assert mapping.new(path, type_code=PERMIT, out=out) == 0
    assert left == []


def test_somebody_at_a_terminal_is_asked_there_and_told_what_is_no_answer(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    header = HEADER.replace("许可范围", "乙").replace("主要负责人", "丙")
    path = written(tmp_path, header, *ROWS, name="许可.csv")
    out = tmp_path / "new.toml"
    at_terminal(monkeypatch, path, out, "permits", "丙", "77", "=", "=建筑施工")
    said = capsys.readouterr().err
    assert said.count("不在其中 not one of them: 1 … ") == 2
    assert "no question left" in said
    found = parse_mapping(out.read_text(encoding="utf-8"), where="new.toml")
    assert (found.system, found.fields["responsible_person"].shown) == ("permits", "丙")
    assert found.fields["scope"].always == "建筑施工"


def test_question_without_an_answer_stays_open(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = written(tmp_path, HEADER, *ROWS, name="许可.csv")
    out = tmp_path / "new.toml"
    at_terminal(monkeypatch, path, out, "")
    assert "1 questions to answer in the mapping" in capsys.readouterr().err
    with pytest.raises(Malformed, match="not answered"):
        parse_mapping(out.read_text(encoding="utf-8"), where="new.toml")
