"""cosign: a joint act (联合签章) passed from department to department in a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from console import cosigning, pending_files, pending_view
from console.acting import held_back
from console.cli.acting import read_text, words_of
from console.cli.inspecting import Name
from console.cli.options import Dir, Dsn, Json, PassphraseFile, Reveal, place
from console.erasing import propose_erasure
from console.key_ring import KeyRing
from console.ledger import Ledger
from console.output import Answer, give
from console.reading import Reader
from console.renewing import renew as renewed
from console.settings import Settings
from console.wiring import now_us, open_ledger
from ledger.errors import Malformed, Refused
from ledger.pending import PendingAct, merged, refused_by, signed_by
from ledger.signing import Signer
from ledger.workdays import parse_instant

File = Annotated[Path, typer.Argument(help="A pending act that `cosign new` wrote.")]
Key = Annotated[
    Path | None,
    typer.Option("--key", help="The key file that speaks; default: the department's."),
]
Until = Annotated[
    str | None,
    typer.Option(
        "--until",
        metavar="T",
        help="When the signing ends: RFC 3339 or a day, at most 7 days; default: 5 days.",
        show_default=False,
    ),
]
Out = Annotated[Path, typer.Option("--out", help="The new file of the pending act.")]
Offline = Annotated[
    bool,
    typer.Option(
        "--offline",
        help="Do not ask the ledger: only what the file itself proves.",
    ),
]
app = typer.Typer(
    help="Joint acts (联合签章): proposed, signed or refused, and published, by a file."
)


def register(parent: typer.Typer) -> None:
    """Adds this group."""
    parent.add_typer(app, name="cosign")


@app.command("new")
def new(
    act: Annotated[str, typer.Argument(metavar="ACT", help="ISSUE, CHANGE, REVOKE …")],
    *,
    file: Annotated[
        str,
        typer.Option("--file", metavar="EVENT.json|-", help="The act; - is stdin."),
    ],
    others: Annotated[
        list[str],
        typer.Option(
            "--with",
            metavar="USCC|KEY_ID",
            help="Who must sign too, in the order of the roles behind the main one.",
        ),
    ],
    out: Out,
    until: Until = None,
    key: Key = None,
    directory: Dir = None,
    dsn: Dsn = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> int:
    """Proposes a joint act: a file that names who must sign it, signed by nobody yet."""
    text = read_text(file)
    term = parse_instant(until) if until else None
    with open_ledger(place(directory, dsn, passphrase_file)) as ledger:
        pending = cosigning.propose_act(
            ledger, act, text, key=key, others=others, until=term
        )
        pending_files.create(out, pending)
        return _give(pending, ledger, out, as_json=as_json)


@app.command("erase")
def erase(
    name: Name,
    *,
    supervisor: Annotated[
        str,
        typer.Option(
            "--with", metavar="USCC|KEY_ID", help="The supervisor who must sign too."
        ),
    ],
    out: Out,
    holder: Annotated[
        int, typer.Option("--holder", help="Which holder of the license, from 0.")
    ] = 0,
    until: Until = None,
    key: Key = None,
    directory: Dir = None,
    dsn: Dsn = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> int:
    """Proposes an erasure (销毁) that custodian and supervisor sign apart."""
    term = parse_instant(until) if until else None
    with open_ledger(place(directory, dsn, passphrase_file)) as ledger:
        ledger.catch_up()
        pending = propose_erasure(
            ledger, name, holder=holder, key=key, supervisor=supervisor, until=term
        )
        pending_files.create(out, pending)
        return _give(pending, ledger, out, as_json=as_json)


@app.command("show")
def show(
    file: File,
    *,
    reveal: Reveal = None,
    offline: Offline = False,
    directory: Dir = None,
    dsn: Dsn = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> int:
    """What one is about to sign, computed from the bytes; who has said what to it."""
    pending = pending_files.load(file)
    if offline and reveal is not None:
        raise Malformed("nothing can be revealed offline", where="--reveal")
    settings = place(directory, dsn, passphrase_file)
    with _asked(settings, offline=offline) as ledger:
        reader = None if ledger is None else Reader(ledger, purpose=reveal)
        document = pending_view.document_of(
            pending, ledger=ledger, reader=reader, now=now_us()
        )
    if reveal is None:
        document = pending_view.withheld(document, now=now_us())
    answer = Answer(document=document, text=pending_view.text_of(document))
    return give(answer, as_json=as_json)


@app.command("sign")
def sign(
    file: File,
    *,
    key: Key = None,
    offline: Offline = False,
    directory: Dir = None,
    dsn: Dsn = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> int:
    """Signs a pending act (会签); refused where the ledger would refuse the act."""

    def signed(pending: PendingAct, signer: Signer) -> PendingAct:
        return signed_by(pending, signer, now=now_us())

    settings = place(directory, dsn, passphrase_file)
    return _spoken(file, key, settings, signed, offline=offline, as_json=as_json)


@app.command("refuse")
def refuse(
    file: File,
    *,
    reason: Annotated[
        str,
        typer.Option("--reason", help="Why; travels in clear, so no personal data."),
    ],
    key: Key = None,
    directory: Dir = None,
    dsn: Dsn = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> int:
    """Refuses a pending act (拒签), which ends it; the reason is signed too."""

    def refused(pending: PendingAct, signer: Signer) -> PendingAct:
        return refused_by(pending, signer, reason=reason, now=now_us())

    settings = place(directory, dsn, passphrase_file)
    # One may refuse what the ledger would refuse: it is not asked.
    return _spoken(file, key, settings, refused, offline=True, as_json=as_json)


@app.command("merge")
def merge(
    file: File,
    other: Annotated[Path, typer.Argument(help="Another copy of the same act.")],
    *,
    as_json: Json = False,
) -> int:
    """Takes what another copy has into FILE (合并): copies may be signed in parallel."""
    found = pending_files.load(other)
    pending = pending_files.change(file, lambda mine: merged(mine, found))
    return _give(pending, None, file, as_json=as_json)


@app.command("renew")
def renew(
    file: File,
    *,
    out: Out,
    until: Until = None,
    key: Key = None,
    directory: Dir = None,
    dsn: Dsn = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> int:
    """The same act on the chain's present head: everybody must sign again."""
    before = pending_files.load(file)
    term = parse_instant(until) if until else None
    with open_ledger(place(directory, dsn, passphrase_file)) as ledger:
        ledger.catch_up()
        proposer = cosigning.signer_at(ledger.ring, key)
        pending = renewed(ledger, before, proposer, until=term)
        pending_files.create(out, pending)
        return _give(pending, ledger, out, as_json=as_json)


@app.command("submit")
def submit(
    file: File,
    *,
    directory: Dir = None,
    dsn: Dsn = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> int:
    """Publishes an act that everybody has signed; exit 0 accepted, 3 refused."""
    pending = pending_files.load(file)
    with open_ledger(place(directory, dsn, passphrase_file)) as ledger:
        ledger.catch_up()
        try:
            document = cosigning.submit(ledger, pending)
        except Refused as refused:
            document = held_back(ledger, pending.event["subject"], refused)
    code = 0 if document["verdict"] == "accepted" else Refused.exit_code
    answer = Answer(document=document, text=words_of(document), exit_code=code)
    return give(answer, as_json=as_json)


@contextmanager
def _asked(settings: Settings, *, offline: bool) -> Iterator[Ledger | None]:
    if offline:
        yield None
        return
    with open_ledger(settings) as ledger:
        ledger.catch_up()
        yield ledger


def _spoken(
    file: Path,
    key: Path | None,
    settings: Settings,
    said: Callable[[PendingAct, Signer], PendingAct],
    *,
    offline: bool,
    as_json: bool,
) -> int:
    """One signer's word, written into the file."""
    ring = KeyRing(settings)
    with _asked(settings, offline=offline) as ledger:

        def changed(pending: PendingAct) -> PendingAct:
            if ledger is not None:
                cosigning.demand_acceptable(ledger, pending)
            return said(pending, cosigning.signer_at(ring, key))

        pending = pending_files.change(file, changed)
        return _give(pending, ledger, file, as_json=as_json)


def _give(
    pending: PendingAct, ledger: Ledger | None, file: Path, *, as_json: bool
) -> int:
    verdict = None if ledger is None else cosigning.foreseen(ledger, pending)
    now = now_us()
    state = pending_view.state_of(pending, ledger=ledger, verdict=verdict, now=now)
    said = {"event_digest": pending.digest.hex(), "subject": pending.event["subject"]}
    document = {"file": str(file), **pending_view.withheld({**said, **state}, now=now)}
    text = f"pending act in {file}\n{pending_view.signing_text(document)}"
    return give(Answer(document=document, text=text), as_json=as_json)
