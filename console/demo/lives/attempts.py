"""What should not get in: one attempt for nearly every refusal code there is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from console.demo import faces
from console.demo.cast import Cast, citizen, organisation
from console.demo.life import Life
from console.demo.lives.building import building
from console.demo.lives.cards import issued_card
from console.demo.lives.market import opened, revoked
from console.demo.lives.safety import expired_permit, permitted, suspended
from console.demo.lives.weddings import wedding
from console.demo.offices import (
    BUREAU,
    CIVIL_HUNNAN,
    CLOSED_WINDOW,
    MARKET_DALIAN,
    MARKET_SHENYANG,
    POLICE_HEPING,
)
from console.demo.steps import MAIN, Again, Plain, Spoil, Step
from ledger.identifiers import certificate_identifier

# Nobody's number: its birth date lies in 1900. It stands in clear only in a record that
# the ledger must refuse.
CLEAR_NUMBER = "210102190001010014"


def damaged(cast: Cast) -> None:
    """Bytes lost on the way; a schema that nobody switched on."""
    life = _firm(cast)
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
    life = _firm(cast)
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
    life = _firm(cast)
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
    life = _firm(cast)
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


def wrong_face(cast: Cast) -> None:
    """A check digit that is wrong; a field that the type does not have."""
    life = _firm(cast)
    code = str(life.face["uscc"])
    swapped = code[:-2] + code[-1] + code[-2]
    life.act(
        *("ISSUE", 15, life.face | {"uscc": swapped}),
        expect="invalid_fields",
        told="a credit code with its last two characters swapped",
    )
    life.act(
        *("ISSUE", 15, life.face | {"favourite_colour": "红"}),
        expect="invalid_fields",
        told="a field that the license type does not have",
    )


def number_in_clear(cast: Cast) -> None:
    """A citizen number where the paper's serial belongs."""
    life, _, _ = issued_card(cast, 300, years=20)
    life.act(
        *("REISSUE", 10, faces.term(cast.today, 10, 20)),
        serial=CLEAR_NUMBER,
        expect="clear_personal_data",
        told="a citizen number stands in clear as the paper's serial",
    )


def against_the_type(cast: Cast) -> None:
    """延续 of a marriage; a restriction that is none; a version too far."""
    life, _ = wedding(cast, 500)
    life.act(
        *("RENEW", 10),
        expect="act_not_allowed",
        told="a marriage certificate is not renewed",
    )
    other, issue = opened(cast, 210)
    other.act("CHANGE", 100, {"capital": "400"}, decided="application")
    other.act(
        *("RESTORE", 20),
        names=[issue],
        decided="application",
        office=BUREAU,
        expect="not_authorised",
        told="the data bureau restores what it may not",
    )
    other.act(
        *("RESTORE", 20),
        names=[issue],
        decided="application",
        expect="unknown_target",
        told="an opening act cannot be taken back",
    )
    wrong = certificate_identifier(other.license_id, 7)
    other.act(
        *("CHANGE", 15, {"capital": "450", "certificate_identifier": wrong}),
        decided="application",
        expect="wrong_version",
        told="version 007 straight after 002",
    )
    other.act(
        *("CHANGE", 15, {"capital": "450"}),
        decision=False,
        expect="decision_missing",
        told="a change without the decision it rests on",
    )
    other.act(
        *("CHANGE", -45, {"capital": "450"}),
        decided="application",
        expect="too_far_ahead",
        told="effective 45 days ahead",
    )


def against_the_state(cast: Cast) -> None:
    """What the state no longer allows."""
    revoked(cast).act(
        *("CHANGE", 20, {"capital": "450"}),
        decided="application",
        expect="illegal_transition",
        told="a cancelled licence is changed",
    )
    expired_permit(cast).act(
        *("REPLACE", 10, faces.term(cast.today, 10, 3)),
        expect="out_of_grace",
        told="an expired work-safety permit is exchanged",
    )
    other = suspended(cast, 30, 90)
    other.act(
        *("RENEW", 5, faces.term(cast.today, 5, 3)),
        expect="illegal_transition",
        told="a suspended permit is renewed",
    )


def against_each_other(cast: Cast) -> None:
    """A late act that would undo an accepted one goes back to both departments."""
    life, _ = building(cast, 600)
    life.act("REISSUE", 200, serial="LN-0001")
    life.act(
        *("PAUSE", 260),
        expect="conflicts_with",
        told="a halt reported late, before a reissue it would forbid",
    )


def never_issued(cast: Cast) -> None:
    """A change of a license that nobody issued."""
    person = cast.people.person(POLICE_HEPING.area)
    life = cast.life(faces.ID_CARD, POLICE_HEPING, (citizen(person),))
    life.act(
        *("REISSUE", 3, faces.term(cast.today, 3, 20)),
        holders=life.holders,
        expect="illegal_transition",
        told="a card that nobody issued is reissued",
    )
    permit, _ = permitted(cast, 100)
    permit.act(
        *("RESUME", 3),
        names=[permit.steps[0].label],
        expect="unknown_target",
        told="a suspension is lifted that never was",
    )


def _firm(cast: Cast) -> Life:
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
    (1, wrong_face),
    (1, number_in_clear),
    (1, against_the_type),
    (1, against_the_state),
    (1, against_each_other),
    (1, never_issued),
)
"""How many lives of each kind there are."""
