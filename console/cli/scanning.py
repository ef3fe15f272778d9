"""scan: what does not fit together (一致性检查)."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Annotated, Any

import typer

from console.cli.options import Dir, Dsn, Json, PassphraseFile, place
from console.output import say
from console.scan_kinds import KINDS
from console.scanning import Finding, document_of, scan
from console.wiring import now_us, open_ledger
from ledger.errors import Malformed
from ledger.workdays import date_to_day, day_to_date, legal_day

FOUND = 1


def register(app: typer.Typer) -> None:
    """Adds this command."""
    app.command("scan")(scan_ledger)


def scan_ledger(
    *,
    kind: Annotated[
        list[str] | None,
        typer.Option("--kind", help="Look for this kind alone; default: every kind."),
    ] = None,
    as_of: Annotated[
        str | None,
        typer.Option(
            "--as-of",
            metavar="DAY",
            help="The day on which two licenses are in force; default: today.",
            show_default=False,
        ),
    ] = None,
    start: Annotated[
        int,
        typer.Option(
            "--from", metavar="POSITION", help="Follow batches from this position on."
        ),
    ] = 0,
    directory: Dir = None,
    dsn: Dsn = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> int:
    """Finds what does not fit together; exit 0 nothing found, 1 something was."""
    kinds = kind or list(KINDS)
    unknown = sorted(set(kinds) - set(KINDS))
    if unknown:
        raise Malformed(
            "no such kind of finding",
            code="bad_option_value",
            expected=", ".join(KINDS),
            found=", ".join(ascii(name)[:40] for name in unknown),
            where="--kind",
        )
    day = date_to_day(as_of) if as_of else legal_day(now_us())
    with open_ledger(place(directory, dsn, passphrase_file)) as ledger:
        ledger.catch_up()
        findings = scan(ledger, kinds, day=day, start=start)
        counts: Counter[str] = Counter()
        counted = _counted(findings, counts)
        if as_json:
            _give_json(counted, counts, as_of=day_to_date(day).isoformat())
        else:
            _give_text(counted, counts)
    return FOUND if counts else 0


def _counted(findings: Iterable[Finding], counts: Counter[str]) -> Iterator[Finding]:
    for finding in findings:
        counts[finding.kind] += 1
        yield finding


def _give_json(
    findings: Iterable[Finding], counts: Counter[str], *, as_of: str
) -> None:
    """One JSON document, which may be longer than the memory.

    It waits in a file until it is whole: a scan that fails prints its error alone.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8") as whole:
        whole.write(f'{{\n "as_of": "{as_of}",\n "findings": [')
        between = "\n  "
        for finding in findings:
            text = json.dumps(document_of(finding), ensure_ascii=False)
            whole.write(between + text)
            between = ",\n  "
        whole.write(f'\n ],\n "counts": {json.dumps(dict(counts))}\n}}\n')
        whole.seek(0)
        shutil.copyfileobj(whole, sys.stdout)
    sys.stdout.flush()


def _give_text(findings: Iterable[Finding], counts: Counter[str]) -> None:
    for finding in findings:
        sys.stdout.write(_text(document_of(finding)))
    sys.stdout.flush()
    if not counts:
        sys.stdout.write("nothing found 未发现问题\n")
    for name, count in counts.items():
        say(f"{count:>8}  {name} {KINDS[name].zh}: {KINDS[name].remedy}")
        say(f"          {KINDS[name].remedy_zh}")


def _text(document: dict[str, Any]) -> str:
    lines = [f"{document['kind']} {document['zh']}"]
    lines += [f"  {license_id}" for license_id in document["licenses"]]
    positions = ", ".join(map(str, document["positions"]))
    lines.append(f"  positions 账序 {positions}")
    if document["detail"]:
        lines.append(f"  {document['detail']}")
    return "\n".join(lines) + "\n"
