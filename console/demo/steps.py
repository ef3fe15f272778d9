"""The words a story is told in: offices, what each step sends, what should come of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

from ledger.drafting import Draft, HolderDraft
from ledger.events import Chain, Value
from ledger.refusals import ACCEPTED

MAIN, JOINT, SUPERIOR = 1, 2, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """One department: ``handle`` is its name in the story, ``area`` a division code.

    ``types``: the license types it deals with; none given means all.
    """

    handle: str
    name: str
    uscc: str
    area: str
    level: str
    roles: tuple[str, ...]
    types: tuple[str, ...]


class Spoil(Enum):
    """What is done to a record between drafting and publishing it."""

    NOTHING = auto()
    STALE = auto()  # built on the predecessor of the head
    GAP = auto()  # skips a number of the chain
    FLIPPED = auto()  # one bit of the signature is another
    FORGED = auto()  # the event names an office's key, another key signed
    STRANGER = auto()  # signed by a key nobody registered
    FOREIGN = auto()  # made for another ledger
    MISROUTED = auto()  # sent to another partition
    OLD = auto()  # signed nine days ago
    RETYPED = auto()  # by a version of the type that is not in force
    UNREADABLE = auto()  # a schema nobody switched on
    TRUNCATED = auto()  # the last bytes are missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain:
    """An act on a chain that is no license, its fields in clear.

    Keys and holders get their names only when the story runs: ``key_of`` stands for the
    subject of that office's key (and ADD for its fields), ``holder`` for the holder's.
    """

    chain: Chain
    act: str
    subject: str = ""
    key_of: Office | None = None
    holder: HolderDraft | None = None
    fields: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """The very same bytes as an earlier step."""

    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One record of the story.

    ``by``: offices and the roles they sign in. ``names``: labels of the steps whose
    events it names as causes. ``expect``: accepted, or the refusal code. ``together``: its
    signature covers its neighbours too. ``told``: one line about it, for refused attempts.
    """

    label: str
    what: Draft | Plain | Again
    by: tuple[tuple[str, int], ...]
    names: tuple[str, ...] = ()
    expect: str = ACCEPTED
    spoil: Spoil = Spoil.NOTHING
    together: bool = False
    told: str = ""

    @property
    def subject(self) -> str:
        """What must not stand twice among records published together."""
        match self.what:
            case Draft(license_id=license_id):
                return license_id
            case Plain(chain=chain, subject=subject, key_of=office):
                return f"{chain} {subject or (office and office.handle)}"
            case Again(label=label):
                return f"again:{label}"
