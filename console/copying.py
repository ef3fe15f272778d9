"""``log copy``: carries a ledger to another log and database, where it goes on or is read.

What follows from the log is made again there from the log: every root is computed from
the copied records, every table projected. Only the key store is copied as it is.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from console.assembly import assemble
from console.founding import empty_directory
from console.kafka_file import write_kafka_file
from console.ledger import Ledger
from console.log_wiring import create_log, open_log
from console.settings import Settings
from console.wiring import (
    Connections,
    database,
    holds_ledger,
    now_us,
)
from ledger.errors import Malformed, Unavailable, Untrusted
from ledger.log.head import HeadStore
from ledger.log.key_copy import copy_keys
from ledger.sources import SEALS
from projections.digest import digests, total
from projections.migrate import VIEWS, migrate, use_schema
from replay.copied_log import copy_log

Told = Callable[[str], None]


def copy_ledger(
    ledger: Ledger,
    target: Settings,
    *,
    with_keys: bool,
    told: Told,
    security_file: Path | None = None,
) -> dict[str, Any]:
    """Copies an open ledger into a new directory and compares both; returns the proof.

    ``with_keys`` hands keys and key store over: the old place cannot seal any more, so
    that the two never go on apart. Without, the copy can be read and audited only.
    Nobody else may seal or project meanwhile (Unavailable). A copy that was stopped goes
    on when it is asked for again. Raises Untrusted when the two differ in the end.
    """
    if not (target.directory / _UNFINISHED).exists():
        empty_directory(target)
    with ledger.engine.held() as own:
        if not own:
            raise Unavailable(
                "another process seals or projects this ledger",
                code="busy_elsewhere",
                expected="run, seal and project stopped while it is copied",
            )
        ledger.catch_up()
        ledger.engine.rest()
        with database(target) as (connections, _):
            _prepare(ledger, target, connections, security_file)
            counts = copy_log(
                ledger.log,
                open_log(target, connections),
                sources=_sources(ledger),
                told=lambda name, count: told(f"copied={name} records={count}"),
            )
            told("computing every root and every table again")
            copy = assemble(target, connections, clock=now_us)
            copy.engine.adopt()
            document = _compared(ledger, copy, counts)
            if with_keys:
                _hand_over(ledger, target, connections)
    (target.directory / _UNFINISHED).unlink()
    return document


_UNFINISHED = "copy-unfinished"


def _prepare(
    ledger: Ledger,
    target: Settings,
    connections: Connections,
    security_file: Path | None,
) -> None:
    """Makes tables and topics; what an unfinished copy has made is used again."""
    mark = target.directory / _UNFINISHED
    if mark.exists():
        return
    if holds_ledger(connections.open()):
        raise Malformed(
            "this database holds a ledger already",
            code="ledger_exists",
            expected="a database without one",
            where="--to-dsn",
        )
    create_log(target, connections, [*_sources(ledger), SEALS])
    HeadStore(connections.open()).create()
    migrate(connections.open())
    if target.kafka is not None:
        write_kafka_file(target.kafka_file, target.kafka, security_file=security_file)
    mark.touch()


def _sources(ledger: Ledger) -> list[str]:
    """All sources that hold or will hold records, succeeded ones among them."""
    known = dict.fromkeys(ledger.registry().sources())
    return list(known | dict.fromkeys(ledger.head.load().tip.nexts))


def _hand_over(ledger: Ledger, target: Settings, connections: Connections) -> None:
    """Copies the keys, and takes them away from the old place at the very end.

    A crash before the renaming leaves both with keys and the copy marked unfinished:
    nobody seals there before it is asked for again.
    """
    old = ledger.settings
    if not old.keys.exists():
        raise Malformed(
            "this ledger has no keys", code="keys_missing", where=str(old.keys)
        )
    if not target.keys.exists():
        beside = target.keys.with_name("keys.new")
        shutil.rmtree(beside, ignore_errors=True)
        shutil.copytree(old.keys, beside)
        if old.own_passphrase.exists():
            shutil.copy2(old.own_passphrase, target.own_passphrase)
        copy_keys(ledger.connect(), connections.open())
        beside.rename(target.keys)
        os.sync()
    old.keys.rename(old.keys.with_name("keys.moved"))


def _compared(
    ledger: Ledger, copy: Ledger, counts: Mapping[str, int]
) -> dict[str, Any]:
    heads = [one.head.load().tip for one in (ledger, copy)]
    tables = [_digests(one) for one in (ledger, copy)]
    for reason, (expected, found) in (
        ("the copy has another tree", [tip.root.hex() for tip in heads]),
        ("the copy has another last seal", [tip.digest.hex() for tip in heads]),
        ("the copy has other tables", [total(one).hex() for one in tables]),
    ):
        if expected != found:
            raise Untrusted(reason, code="copy_differs", expected=expected, found=found)
    return {
        "records": dict(counts),
        "seal_no": heads[1].seal_no,
        "tree_size": heads[1].tree_size,
        "root": heads[1].root.hex(),
        "tables": {name: digest.hex() for name, digest in tables[1].items()},
        "dir": str(copy.settings.directory),
    }


def _digests(ledger: Ledger) -> dict[str, bytes]:
    connection = ledger.connect()
    use_schema(connection, VIEWS)
    return digests(connection)
