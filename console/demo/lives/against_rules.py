"""What should not get in, by what it says: fields, type, state, other acts.

With ``attempts`` nearly every refusal code there is gets met.
"""

from __future__ import annotations

from collections.abc import Callable

from console.demo import faces
from console.demo.cast import Cast, citizen
from console.demo.lives.attempts import unopened
from console.demo.lives.building import building
from console.demo.lives.market import opened, revoked
from console.demo.lives.safety import expired_permit, permitted, suspended
from console.demo.lives.weddings import wedding
from console.demo.offices import BUREAU, POLICE_HEPING
from ledger.identifiers import certificate_identifier


def wrong_face(cast: Cast) -> None:
    """A check digit that is wrong; a field that the type does not have."""
    life = unopened(cast)
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


PLAN: tuple[tuple[int, Callable[[Cast], object]], ...] = (
    (1, wrong_face),
    (1, against_the_type),
    (1, against_the_state),
    (1, against_each_other),
    (1, never_issued),
)
"""How many lives of each kind there are."""
