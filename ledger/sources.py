"""The names of the sources (数据流): ``registry``, ``events-0`` …, and ``seals``.

A source is one ordered stream of records; ``seals`` fixes the order of all others.
"""

from __future__ import annotations

SEALS = "seals"
REGISTRY = "registry"


def events_source(partition: int) -> str:
    """Name of the source that carries one event partition."""
    return f"events-{partition}"


def source_names(partitions: int) -> tuple[str, ...]:
    """The sources a seal may cover, in sealed order."""
    return (REGISTRY, *(events_source(p) for p in range(partitions)))


def successor_of(source: str) -> str:
    """The source that may go on where this one ends: ``events-3``, ``events-3.1`` …"""
    base, _, number = source.partition(".")
    return f"{base}.{int(number or 0) + 1}"


def predecessors_of(source: str) -> tuple[str, ...]:
    """The sources in whose place this one stands, the first one in front."""
    names = [base_of(source)]
    while names[-1] != source:
        names.append(successor_of(names[-1]))
    return tuple(names[:-1])


def base_of(source: str) -> str:
    """The source whose place this one has: ``events-3`` of ``events-3.1``."""
    return source.split(".", 1)[0]
