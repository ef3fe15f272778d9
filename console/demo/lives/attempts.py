"""What should not get in, by its bytes, its place in the chain, or whose hand it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from console.demo import faces
from console.demo.cast import Cast, organisation
from console.demo.life import Life
from console.demo.lives.building import building
from console.demo.lives.market import opened
from console.demo.offices import (
    CIVIL_HUNNAN,
    CLOSED_WINDOW,
    MARKET_DALIAN,
    MARKET_SHENYANG,
)
from console.demo.steps import MAIN, Again, Plain, Spoil, Step


def damaged(cast: Cast) -> None:
    """Bytes lost on the way; a schema that nobody switched on."""
    life = unopened(cast)
    life.act(
        *("ISSUE", 20, life.face),
        spoil=Spoil.TRUNCATED,
        expect="malformed",
        told="the last bytes were lost on the way",
    )
    life.act(
        *("ISSUE", 20, life.face),
        spoil=Spoil.UNREADABLE,
        expect="unknown_schema",
        told="a schema that nobody switched on",
    )
    life.act("ISSUE", 20, life.face)


def elsewhere(cast: Cast) -> None:
    """A record of another ledger, and one on the wrong source."""
    life = unopened(cast)
    life.act(
        *("ISSUE", 30, life.face),
        spoil=Spoil.FOREIGN,
        expect="wrong_ledger",
        told="a record made for another ledger",
    )
    life.act(
        *("ISSUE", 30, life.face),
        spoil=Spoil.MISROUTED,
        expect="misrouted",
        told="a record sent to the wrong source",
    )


def repeated(cast: Cast) -> None:
    """The same bytes again; the same act of the source system built anew."""
    life, issue = opened(cast, 60)
    life.steps.append(
        Step(
            label=f"{issue} again",
            what=Again(label=issue),
            by=life.steps[0].by,
            expect="duplicate",
            told="the very same bytes, sent again after a time-out",
        )
    )
    life.act("CHANGE", 40, {"capital": "900"}, decided="application", ref="change-1")
    life.act(
        *("CHANGE", 40, {"capital": "901"}),
        decided="application",
        ref="change-1",
        expect="source_repeated",
        told="the source system built an accepted act anew",
    )


def overtaken_by_others(cast: Cast) -> None:
    """Two offices at once: the second one's event is stale; a lost message leaves a gap."""
    life, _ = opened(cast, 90)
    life.act("CHANGE", 50, {"capital": "700"}, decided="application")
    life.act(
        *("CHANGE", 50, {"scope": "广告设计"}),
        decided="application",
        spoil=Spoil.STALE,
        expect="stale",
        told="built on a head that was the head no more",
    )
    life.act(
        *("CHANGE", 49, {"scope": "广告设计"}),
        decided="application",
        spoil=Spoil.GAP,
        expect="gap",
        told="its predecessor never arrived",
    )
    life.act("CHANGE", 48, {"scope": "广告设计"}, decided="application")


def too_old(cast: Cast) -> None:
    """Signed nine days ago: a refused act does not come alive again."""
    life = unopened(cast)
    life.act(
        *("ISSUE", 12, life.face),
        spoil=Spoil.OLD,
        expect="expired",
        told="signed nine days ago",
    )


def not_known_here(cast: Cast) -> None:
    """A chain whose acts are not switched on yet; a version of the type not in force."""
    life, _ = opened(cast, 70)
    life.steps.append(
        Step(
            label=f"{life.name}/dispute",
            what=Plain(
                chain="dispute", act="DISPUTE_OPEN", subject=f"{life.license_id}/1"
            ),
            by=((MARKET_SHENYANG.handle, MAIN),),
            expect="unknown_act",
            told="dispute chains are not switched on in this ledger",
        )
    )
    life.act(
        *("CHANGE", 20, {"capital": "800"}),
        decided="application",
        spoil=Spoil.RETYPED,
        expect="unknown_type",
        told="by a version of the license type that is not in force",
    )


def wrong_hands(cast: Cast) -> None:
    """Keys nobody registered, keys that have ended, offices without the power."""
    life = unopened(cast)
    life.act(
        *("ISSUE", 25, life.face),
        spoil=Spoil.STRANGER,
        expect="unknown_key",
        told="signed by a key that nobody registered",
    )
    life.act(
        *("ISSUE", 25, life.face),
        office=CLOSED_WINDOW,
        expect="key_inactive",
        told="signed by the key of a window that was closed",
    )
    life.act(
        *("ISSUE", 25, life.face),
        office=CIVIL_HUNNAN,
        expect="not_authorised",
        told="civil affairs issues a business licence",
    )
    life.act("ISSUE", 25, life.face)
    life.act(
        *("CHANGE", 5, {"capital": "600"}),
        decided="application",
        office=MARKET_DALIAN,
        expect="not_authorised",
        told="another city's regulator changes it",
    )


def forged(cast: Cast) -> None:
    """A forgery in an office's name; a signature with one bit changed."""
    life, _ = opened(cast, 45, office=MARKET_SHENYANG)
    life.act(
        *("CANCEL", 1, {"ground": "6"}),
        spoil=Spoil.FORGED,
        expect="bad_signature",
        told="a forger cancels a licence in the regulator's name",
    )
    life.act(
        *("CHANGE", 1, {"capital": "500"}),
        decided="application",
        spoil=Spoil.FLIPPED,
        expect="bad_signature",
        told="one bit of the signature is another",
    )


def one_seal_missing(cast: Cast) -> None:
    """A construction permit needs two seals."""
    life, _ = building(cast, 33)
    life.steps[0] = replace(
        life.steps[0],
        by=life.steps[0].by[:1],
        expect="signatures_missing",
        told="a construction permit without the planning bureau's seal",
    )


def unopened(cast: Cast) -> Life:
    """A life without any act yet, and the face of its licence."""
    firm = cast.people.firm(MARKET_SHENYANG.area)
    life = cast.life(faces.BUSINESS, MARKET_SHENYANG, (organisation(firm),))
    life.face = faces.business(firm) | faces.term(cast.today, 20, None)
    return life


PLAN: tuple[tuple[int, Callable[[Cast], object]], ...] = (
    (1, damaged),
    (1, elsewhere),
    (2, repeated),
    (2, overtaken_by_others),
    (1, too_old),
    (1, not_known_here),
    (1, wrong_hands),
    (1, forged),
    (1, one_seal_missing),
)
"""How many lives of each kind there are."""
