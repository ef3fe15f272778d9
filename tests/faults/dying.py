"""Processes that kill themselves, with -9, at a chosen moment of their work."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest

from console.cli import main
from console.founding import DEPARTMENT_USCC
from console.key_ring import DEPARTMENT, KeyRing
from console.settings import settings_of
from ledger.log.kafka_producer import KafkaAppender
from ledger.publish import RoleSigner
from tests.faults.load import Diary
from tests.faults.province import Province
from tests.faults.seed import chance

Sent = Literal["nothing", "half", "all"]


def die(*_: object, **__: object) -> None:
    """Ends this process without a further word."""
    os.kill(os.getpid(), signal.SIGKILL)


def send_and_die(
    directory: str, diary: str, origin: str, partitions: int, name: str, sent: Sent
) -> None:
    """Writes an attempt down, sends some of it, and dies before the acknowledgement
    is written down."""
    settings = settings_of(Path(directory), environment={})
    assert settings.kafka is not None
    signer = KeyRing(settings).signer(DEPARTMENT, purpose="act")
    province = Province(
        origin=bytes.fromhex(origin),
        partitions=partitions,
        authority=DEPARTMENT_USCC,
        signers=[RoleSigner(signer=signer)],
        rng=chance(name),
        name=name,
    )
    signed = province.batch(40)
    Diary(Path(diary)).attempt(signed)
    count = {"nothing": 0, "half": 20, "all": 40}[sent]
    log = KafkaAppender(settings.kafka, monotonic=time.monotonic)
    for one in signed[:count]:
        log.append(one.source, [one.data])
    die()


def project_and_die(directory: str, where: str, commits: int) -> None:
    """Projects, and dies at a function of ``projections.batches``, the ``commits``-th time.

    ``offer_verdicts`` is the last thing inside a batch's transaction, ``keep_recent``
    the first one behind its commit.
    """
    from projections import batches

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, where, _last(getattr(batches, where), commits))
        sys.exit(main(("project", "--stall-after", "0", "--dir", directory)))


def seal_and_die(directory: str, where: str, times: int) -> None:
    """Seals, and dies behind a method of the head, the ``times``-th time.

    Behind ``commit`` a seal is in PostgreSQL and nowhere else; behind
    ``mark_published`` it is in the log, and not in the journal.
    """
    from ledger.log.head import HeadStore

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(HeadStore, where, _last(getattr(HeadStore, where), times))
        sys.exit(main(("seal", "--stall-after", "0", "--dir", directory)))


def _last(work: Callable[..., Any], times: int) -> Callable[..., Any]:
    left = times

    def until_then(*given: Any, **named: Any) -> Any:
        nonlocal left
        done = work(*given, **named)
        left -= 1
        if not left:
            die()
        return done

    return until_then
