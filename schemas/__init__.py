"""Contracts as data: record schemas, license types, calendars, registry fields.

Reads packaged files and checks the record schemas against ``FINGERPRINTS``; knows
nothing of what the bytes mean.
"""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import takewhile
from typing import Any


class ContractBrokenError(Exception):
    """A packaged contract is not the file that ``FINGERPRINTS`` pins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaFile:
    """One published schema: ``record`` name, ``version``, CRC-64-AVRO, SM3 and text."""

    record: str
    version: int
    crc64: str
    sm3: str
    text: str


def root() -> Traversable:
    """The folder that holds the contracts."""
    return files(__name__)


def load() -> tuple[SchemaFile, ...]:
    """Every schema that ``FINGERPRINTS`` lists; raises ContractBrokenError on a changed one."""
    return tuple(_schema(line) for line in _text("FINGERPRINTS").splitlines() if line)


def _schema(line: str) -> SchemaFile:
    name, crc64, sm3 = line.split()
    record, version = name.split("/")
    text = _text(f"{record}/{version}.avsc")
    found = hashlib.new("sm3", text.encode()).hexdigest()
    if found != sm3:
        raise ContractBrokenError(f"{name}.avsc: expected SM3 {sm3}, found {found}")
    return SchemaFile(
        record=record, version=int(version), crc64=crc64, sm3=sm3, text=text
    )


def toml(path: str) -> dict[str, Any]:
    """Parses one packaged TOML file, named relative to this folder."""
    return tomllib.loads(_text(path))


def comment(path: str) -> str:
    """The comment that a packaged TOML file begins with, as one paragraph."""
    lines = takewhile(lambda line: line.startswith("#"), _text(path).splitlines())
    return " ".join(line.removeprefix("#").strip() for line in lines)


def names(folder: str) -> tuple[str, ...]:
    """Stems of the TOML files in a packaged folder, sorted."""
    found = (entry.name for entry in (root() / folder).iterdir())
    return tuple(sorted(n[:-5] for n in found if n.endswith(".toml")))


def _text(path: str) -> str:
    return (root() / path).read_text(encoding="utf-8")
