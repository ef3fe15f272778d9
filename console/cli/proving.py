"""receipt, verify, audit: proofs made and checked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from console import proofs
from console.auditing import audit_ledger
from console.cli.inspecting import Name
from console.cli.options import Dir, Dsn, Json, PassphraseFile, place
from console.error_book import entry_of
from console.output import Answer, give, say
from console.settings import names_ledger
from console.wiring import open_ledger
from ledger.errors import LedgerError, Malformed, Untrusted
from replay.findings import Check

NO = 1
_NOT_ABOUT_IT: Final = ("no_ledger", "bad_verifier_key")
_INVALID: Final = "receipt_invalid"


def register(app: typer.Typer) -> None:
    """Adds these commands."""
    app.command()(receipt)
    app.command()(verify)
    app.command()(audit)


def receipt(
    name: Name,
    *,
    out: Annotated[Path, typer.Option("--out", help="Where the receipt goes.")],
    sequence: Annotated[
        int | None,
        typer.Option("--sequence", help="Which event; default: the last."),
    ] = None,
    directory: Dir = None,
    dsn: Dsn = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> int:
    """The proof (回执) for one event of a license, verified offline by anybody."""
    with open_ledger(place(directory, dsn, passphrase_file)) as ledger:
        ledger.catch_up()
        ledger.rest()
        data = proofs.make_receipt(ledger, name, sequence=sequence)
    write_out(out, data)
    document = {"receipt": str(out), "bytes": len(data)}
    return give(Answer(document=document, text=f"receipt in {out}"), as_json=as_json)


def verify(
    file: Annotated[Path, typer.Argument(help="A receipt.")],
    *,
    key: Annotated[
        str | None,
        typer.Option("--key", metavar="VKEY", help="The ledger's verifier key."),
    ] = None,
    directory: Dir = None,
    dsn: Dsn = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> int:
    """Checks a receipt: by a verifier key alone, or against a ledger (--dir)."""
    if key is not None and (directory or dsn):
        raise Malformed(
            "a key and a ledger to verify against",
            code="bad_usage",
            expected="--key VKEY, which asks no ledger, or --dir DIR",
        )
    if key is None and not names_ledger(directory, dsn):
        raise Malformed(
            "nothing to verify against",
            code="argument_missing",
            expected="--key VKEY or --dir DIR",
        )
    data = read_in(file)
    try:
        if key is not None:
            document = proofs.verify_with_key(data, key)
        else:
            with open_ledger(place(directory, dsn, passphrase_file)) as ledger:
                ledger.catch_up()
                document = proofs.verify_with_ledger(data, ledger)
    except Untrusted as error:
        document = _invalid(error)
    except Malformed as error:
        if error.code in _NOT_ABOUT_IT:
            raise
        document = _invalid(error)
    text = f"{document['result']}: {document['explanation']}"
    code = NO if document["result"] == "invalid" else 0
    if code:
        text = f"{text}\n{entry_of(_INVALID).chinese}"
    return give(Answer(document=document, text=text, exit_code=code), as_json=as_json)


def audit(
    *,
    directory: Dir = None,
    dsn: Dsn = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> int:
    """Recomputes every digest, signature, verdict and root from the log alone."""
    with open_ledger(place(directory, dsn, passphrase_file)) as ledger:
        document = audit_ledger(ledger, say=say)
    code = 0 if document["result"] == "pass" else NO
    answer = Answer(document=document, text=_audit(document), exit_code=code)
    return give(answer, as_json=as_json)


def _invalid(error: LedgerError) -> dict[str, Any]:
    return {
        "result": "invalid",
        "code": _INVALID,
        "explanation": f"{error} 核验不通过",
        "reason": error.reason,
        "expected": error.expected,
        "found": error.found,
        "where": error.where,
    }


def _audit(document: dict[str, Any]) -> str:
    lines = [
        f"audit: {document['result']} - {document['records']} records, "
        f"{document['accepted']} accepted, {document['refused']} refused",
        f"root {document['root']}",
    ]
    for step in document["steps"]:
        mark = "ok  " if not step["failed"] else "FAIL"
        lines.append(
            f"  {step['number']:>2} {mark} {step['name']}: {step['checked']} checked"
        )
        if step["first_failure"]:
            lines.append(f"       {step['first_failure']}")
            code = f"audit_{Check(step['number']).name.lower()}"
            lines.append(f"       {entry_of(code).chinese}")
    return "\n".join(lines)


def read_in(file: Path) -> bytes:
    """The bytes of a file that a user named; raises Malformed when there are none."""
    try:
        return file.read_bytes()
    except OSError as error:
        raise Malformed(
            "the file cannot be read",
            code="file_unreadable",
            found=error.strerror or "",
            where=str(file),
        ) from error


def write_out(file: Path, data: bytes) -> None:
    """Writes a result file whole or not at all."""
    beside = file.with_name(file.name + ".part")
    try:
        beside.write_bytes(data)
        beside.replace(file)
    except OSError as error:
        raise Malformed(
            "the file cannot be written",
            code="file_unwritable",
            found=error.strerror or "",
            where=str(file),
        ) from error
