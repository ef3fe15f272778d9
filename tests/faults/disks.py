"""What a power cut does to a broker's files: the last batches of a partition are gone."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

from deploy.kafka.node import Node

_HEAD = struct.Struct(
    ">qi"
)  # base offset, size of what follows (KIP-98, message set v2)


def cut_batches(
    nodes: Iterable[Node], topic: str, partition: int, *, count: int
) -> None:
    """Cuts the last ``count`` batches off on every node's disk; none of them may run.

    The indexes go too: a broker that was killed makes them again.
    """
    for node in nodes:
        segment = segment_of(node, topic, partition)
        starts = [start for start, _ in batches(segment)]
        assert len(starts) >= count
        _cut(segment, starts[-count])


def cut_from(nodes: Iterable[Node], topic: str, partition: int, *, offset: int) -> None:
    """The same from the batch that begins at an offset."""
    for node in nodes:
        segment = segment_of(node, topic, partition)
        [start] = [start for start, base in batches(segment) if base == offset]
        _cut(segment, start)


def segment_of(node: Node, topic: str, partition: int) -> Path:
    assert not node.running
    [segment] = (node.data / f"{topic}-{partition}").glob("*.log")
    return segment


def batches(segment: Path) -> Iterator[tuple[int, int]]:
    """Where each batch begins in a file, and the offset of its first record."""
    data = segment.read_bytes()
    at = 0
    while at + _HEAD.size <= len(data):
        base, size = _HEAD.unpack_from(data, at)
        if size <= 0 or at + _HEAD.size + size > len(data):
            break
        yield at, base
        at += _HEAD.size + size


def _cut(segment: Path, start: int) -> None:
    with segment.open("r+b") as file:
        file.truncate(start)
    for index in (*segment.parent.glob("*.index"), *segment.parent.glob("*.timeindex")):
        index.unlink()
