"""registry delegate, end-delegation, succeed, end, role, grants: who acts for whom."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from console import granting
from console.cli.options import Dir, Dsn, Json, PassphraseFile, place
from console.cli.registering import Key, app, give_verdicts, registrar_of
from console.inspection import table
from console.ledger import Ledger
from console.output import Answer, give
from console.registering import Registrar
from console.settings import Settings
from console.wiring import open_ledger
from ledger.registry_fields import GrantDraft
from ledger.workdays import date_to_day, legal_day

Giver = Annotated[
    str, typer.Argument(metavar="FROM", help="The authority that gives (USCC).")
]
Receiver = Annotated[
    str, typer.Argument(metavar="TO", help="The authority that receives (USCC).")
]
Type = Annotated[
    str | None,
    typer.Option("--type", help="One license type; default: every type."),
]
From = Annotated[
    str, typer.Option("--from", metavar="DAY", help="The first day, YYYY-MM-DD.")
]
Basis = Annotated[
    str, typer.Option("--basis", help="The document that it rests on (依据文书).")
]
ShownName = Annotated[
    str | None,
    typer.Option("--shown-name", help="The name to show beside its acts."),
]
Area = Annotated[
    str | None,
    typer.Option("--area", help="GB/T 2260 code: where, beyond the receiver's own."),
]


def register(parent: typer.Typer) -> None:  # noqa: ARG001 - they join registry's group
    """Adds these commands to the group of the registry."""
    app.command("delegate")(delegate)
    app.command("end-delegation")(end_delegation)
    app.command("succeed")(succeed)
    app.command("end")(end)
    app.command("role")(role)
    app.command("grants")(grants)


def delegate(
    giver: Giver,
    receiver: Receiver,
    *,
    first: From,
    basis: Basis,
    until: Annotated[
        str | None,
        typer.Option("--until", metavar="DAY", help="The last day; default: no end."),
    ] = None,
    license_type: Type = None,
    act: Annotated[
        list[str] | None,
        typer.Option("--act", help="An act that it covers; default: all."),
    ] = None,
    area: Area = None,
    shown_name: ShownName = None,
    key: Key = None,
    directory: Dir = None,
    dsn: Dsn = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> int:
    """Delegates (委托) powers of one authority to another, for a term."""
    grant = GrantDraft(
        to=receiver,
        from_date=first,
        until_date=until,
        type_code=license_type,
        acts=act or None,
        area=area,
        basis=basis,
        shown_name=shown_name,
    )

    def record(ledger: Ledger, registrar: Registrar) -> None:
        granting.delegate(ledger, registrar, giver, grant)

    settings = place(directory, dsn, passphrase_file)
    return _recorded(settings, key, record, as_json=as_json)


def end_delegation(
    giver: Giver,
    receiver: Receiver,
    *,
    last: Annotated[
        str | None,
        typer.Option("--on", metavar="DAY", help="Its last day; default: today."),
    ] = None,
    basis: Basis = "",
    license_type: Type = None,
    key: Key = None,
    directory: Dir = None,
    dsn: Dsn = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> int:
    """Ends delegations from one authority to another; what was done by them stays."""

    def record(ledger: Ledger, registrar: Registrar) -> None:
        granting.end_delegations(
            ledger,
            registrar,
            giver,
            receiver,
            type_code=license_type,
            last_day=last,
            basis=basis,
        )

    settings = place(directory, dsn, passphrase_file)
    return _recorded(settings, key, record, as_json=as_json)


def succeed(
    old: Annotated[
        str, typer.Argument(metavar="OLD", help="The authority that stops (USCC).")
    ],
    new: Annotated[
        str, typer.Argument(metavar="NEW", help="Its successor (承继机构).")
    ],
    *,
    first: From,
    basis: Basis,
    license_type: Type = None,
    area: Area = None,
    shown_name: ShownName = None,
    keep: Annotated[
        bool,
        typer.Option("--keep", help="OLD goes on beside NEW, until `registry end`."),
    ] = False,
    key: Key = None,
    directory: Dir = None,
    dsn: Dsn = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> int:
    """Lets NEW continue the licenses of OLD (承继), and ends OLD."""
    grant = GrantDraft(
        to=new,
        from_date=first,
        type_code=license_type,
        area=area,
        basis=basis,
        shown_name=shown_name,
    )

    def record(ledger: Ledger, registrar: Registrar) -> None:
        granting.succeed(ledger, registrar, old, grant, keep=keep)

    settings = place(directory, dsn, passphrase_file)
    return _recorded(settings, key, record, as_json=as_json)


def end(
    uscc: Annotated[str, typer.Argument(metavar="USCC", help="The authority to end.")],
    *,
    basis: Basis = "",
    key: Key = None,
    directory: Dir = None,
    dsn: Dsn = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> int:
    """Ends an authority: it signs nothing more, and what it delegated lapses."""

    def record(ledger: Ledger, registrar: Registrar) -> None:
        granting.organ(ledger, uscc)
        granting.end(registrar, uscc, basis=basis)

    settings = place(directory, dsn, passphrase_file)
    return _recorded(settings, key, record, as_json=as_json)


def role(
    uscc: Annotated[str, typer.Argument(metavar="USCC", help="Whose roles change.")],
    *,
    add: Annotated[
        list[str] | None,
        typer.Option("--add", help="custodian (归集单位), publisher, supervisor …"),
    ] = None,
    drop: Annotated[
        list[str] | None, typer.Option("--drop", help="A role that it loses.")
    ] = None,
    key: Key = None,
    directory: Dir = None,
    dsn: Dsn = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> int:
    """Gives an authority roles, or takes them away; the others stay."""

    def record(ledger: Ledger, registrar: Registrar) -> None:
        granting.change_roles(ledger, registrar, uscc, add=add or [], drop=drop or [])

    settings = place(directory, dsn, passphrase_file)
    return _recorded(settings, key, record, as_json=as_json)


def grants(
    *,
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", metavar="DAY", help="On which day; default: today."),
    ] = None,
    directory: Dir = None,
    dsn: Dsn = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> int:
    """Every delegation and succession: who acts for whom, in what, until when."""
    with open_ledger(place(directory, dsn, passphrase_file)) as ledger:
        ledger.catch_up()
        day = date_to_day(as_of) if as_of else legal_day(ledger.clock())
        found = list(granting.grants(ledger, day=day))
    heads = ("kind", "from", "to", "type", "acts", "term", "state", "basis")
    rows = [
        (
            f"{one['kind']} {one['kind_zh']}",
            one["from"],
            one["to"],
            one["type"] or "all",
            ",".join(one["acts"] or ["all"]),
            f"{one['from_date']}/{one['until'] or ''}",
            one["state"],
            one["basis"],
        )
        for one in found
    ]
    answer = Answer(document={"grants": found}, text=table(heads, rows))
    return give(answer, as_json=as_json)


def _recorded(
    settings: Settings,
    key: list[Path] | None,
    record: Callable[[Ledger, Registrar], None],
    *,
    as_json: bool,
) -> int:
    with open_ledger(settings) as ledger:
        ledger.catch_up()
        registrar = registrar_of(ledger, key)
        record(ledger, registrar)
        return give_verdicts(registrar, as_json=as_json)
