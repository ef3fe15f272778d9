"""Where a bench's ledger keeps its log: in PostgreSQL, on one broker, or on three."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import Final, Literal

from deploy.kafka import LocalKafka
from ledger.log.kafka_settings import KafkaPlace

Mode = Literal["embedded", "one broker", "three brokers"]
MODES: Final[tuple[Mode, ...]] = ("embedded", "one broker", "three brokers")
_NODES: Final = {"one broker": 1, "three brokers": 3}


@contextmanager
def started(mode: Mode) -> Iterator[str | None]:
    """The bootstrap addresses of brokers of its own; None for the embedded log."""
    if mode == "embedded":
        yield None
        return
    with (
        tempfile.TemporaryDirectory(prefix="license-ledger-bench-kafka-") as folder,
        LocalKafka(Path(folder), nodes=_NODES[mode], quick=False) as kafka,
    ):
        yield kafka.bootstrap


def place(mode: Mode, bootstrap: str | None) -> KafkaPlace | None:
    """A place for one more ledger on these brokers."""
    if bootstrap is None:
        return None
    return KafkaPlace(
        bootstrap=tuple(bootstrap.split(",")),
        prefix=f"bench-{token_hex(4)}",
        single_broker=mode == "one broker",
    )
