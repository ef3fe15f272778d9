"""The shapes of what is carried: Event, Record and Seal exactly as Avro decodes them.

They are plain dictionaries with declared types, because a rebuild decodes tens of
thousands of them a second and an object per event would double its cost. Nothing here
checks anything; ``ledger.envelope`` does.
"""

from __future__ import annotations

from typing import Literal, TypedDict

Chain = Literal["license", "dispute", "registry", "holder"]
Precision = Literal["instant", "day", "month", "year", "unknown"]
Medium = Literal["none", "paper", "electronic", "both"]

ZERO_DIGEST = bytes(32)
ZERO_ORIGIN = bytes(16)


class Strings(TypedDict):
    """A list of strings as a field value."""

    strings: list[str]


class Cell(TypedDict):
    """One named value inside a row."""

    name: str
    value: str | int | bool | None


class Row(TypedDict):
    """One row of a Rows value."""

    cells: list[Cell]


class Rows(TypedDict):
    """A small table as a field value."""

    rows: list[Row]


Value = str | int | bool | bytes | Strings | Rows | None


class Decision(TypedDict):
    """The decision an act rests on (文书): ``reason`` is an encrypted field."""

    number: str
    date: str
    reason_code: str
    document: str
    reason: bytes


class Matter(TypedDict):
    """The piece of work behind an act (办件); staff by opaque references only."""

    item_code: str
    case_number: str
    source_system: str
    source_ref: str
    operator: str
    reviewer: str
    approver: str
    assurance: str


class Holder(TypedDict):
    """One holder (持证主体): ``code`` only for organisations, ``ref`` 32 bytes."""

    kind: str
    ref: bytes
    code: str


class Signer(TypedDict):
    """Who signs, in which role (1 main, 2 joint, 3 superior)."""

    key_id: bytes
    role: int
    algorithm: int


class Field(TypedDict):
    """One named value of the license face."""

    name: str
    value: Value


class File(TypedDict):
    """The license file outside the ledger: SM3 of the OFD."""

    digest: bytes
    seal_check: str


class Flags(TypedDict):
    """Marks of backfilled stock (存量补录)."""

    source_act: str
    missing: Strings
    nonstandard: bool


class Event(TypedDict):
    """One lifecycle event, in schema order (``schemas/event/1.avsc``)."""

    event_id: bytes
    origin: bytes
    chain: Chain
    subject: str
    sequence: int
    previous: bytes
    act: str
    type_version: int
    effective_at: int
    effective_precision: Precision
    signed_at: int
    authority: str
    deciding_authority: str
    decision: Decision | None
    matter: Matter
    channel: str
    medium: Medium
    paper_serial: str
    holders: list[Holder]
    signers: list[Signer]
    fields: list[Field]
    causes: list[bytes]
    file: File | None
    flags: Flags | None


class Batch(TypedDict):
    """Place of a signature in a batch: ``path`` holds 32-byte hashes."""

    batch_id: bytes
    count: int
    index: int
    path: list[bytes]


class Signature(TypedDict):
    """Raw r‖s, 64 bytes; ``batch`` when one signature covers many events."""

    value: bytes
    batch: Batch | None


class Record(TypedDict):
    """What a source carries: the encoded Event and its signatures."""

    body: bytes
    signatures: list[Signature]


# ``from`` is a Python keyword, hence the functional form.
Range = TypedDict("Range", {"source": str, "from": int, "to": int})


class Refused(TypedDict):
    """One refusal inside a verdict range."""

    position: int
    code: str


class VerdictRange(TypedDict):
    """Verdicts of ``count`` records of one source of one earlier seal."""

    seal_no: int
    source: str
    first: int
    count: int
    root: bytes
    refused: list[Refused]


class Seal(TypedDict):
    """One seal (封账), in schema order (``schemas/seal/1.avsc``)."""

    seal_no: int
    previous: bytes
    sealed_at: int
    ranges: list[Range]
    tree_size: int
    root: bytes
    verdicts: list[VerdictRange]
    checkpoint: str
