"""A pending act proves itself: nobody signs for another, and no edit goes unseen."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from typing_extensions import override

from ledger.envelope import encode_event
from ledger.errors import LedgerError, Malformed, Refused, Untrusted
from ledger.pending import (
    Declined,
    PendingAct,
    merged,
    propose,
    record_of,
    refused_by,
    signed_by,
)
from ledger.pending_file import read_pending, write_pending
from ledger.pending_messages import proposal_message, refusal_message
from ledger.publish import Signed, source_of
from ledger.workdays import DAY_US
from tests.builders import World, province
from tests.sample_province import FIELDS, JOINT_CODE

NAMES = ("city", "province")
ROLES: dict[str, int] = {"city": 1, "province": 2}


@cache
def world() -> World:
    return province()


def proposed(serial: str = "1", days: int = 3) -> PendingAct:
    """An ISSUE of the city that the province must sign too."""
    event = world().draft(
        "ISSUE", world().license_id(serial, code=JOINT_CODE), fields=FIELDS
    )
    entries = [one.entry for one in world().roles(*ROLES.items())]
    event["signers"] = sorted(entries, key=lambda one: one["key_id"])
    return propose(
        body=encode_event(event),
        keys=[world().signer(name).public_key for name in NAMES],
        until=event["signed_at"] + days * DAY_US,
        proposer=world().signer("city"),
    )


def sign(pending: PendingAct, name: str, *, after: int = 0) -> PendingAct:
    now = pending.event["signed_at"] + after
    return signed_by(pending, world().signer(name), now=now)


def refuse(pending: PendingAct, name: str, reason: str = "不同意") -> PendingAct:
    now = pending.event["signed_at"] + 1
    return refused_by(pending, world().signer(name), reason=reason, now=now)


def edited(pending: PendingAct, edit: Callable[[dict[str, Any]], None]) -> bytes:
    """The file with an edit, in the form that a writer gives it."""
    document = json.loads(write_pending(pending))
    edit(document)
    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()


def test_a_finished_act_is_the_record_that_admission_accepts() -> None:
    pending = sign(sign(proposed("ALL"), "province"), "city")
    assert pending.missing == ()
    data = record_of(pending, now=pending.until)
    source = source_of(pending.event, world().partitions)
    sent = world().accept(Signed(data=data, digest=pending.digest, source=source))
    assert sent.verdict.digest == pending.digest


@pytest.mark.parametrize("order", [NAMES, NAMES[::-1]])
def test_order_of_signing_does_not_matter_to_the_record(order: tuple[str, str]) -> None:
    pending = proposed()
    for name in order:
        pending = sign(pending, name)
    signers = [signer["key_id"] for signer in pending.event["signers"]]
    assert list(read_pending(write_pending(pending)).signatures) == sorted(signers)


def test_an_act_that_somebody_did_not_sign_is_no_record() -> None:
    pending = sign(proposed(), "city")
    with pytest.raises(Refused, match="not everybody has signed") as raised:
        record_of(pending, now=pending.event["signed_at"])
    assert raised.value.code == "signatures_missing"
    assert world().signer("province").key_id.hex() in raised.value.found


def test_after_the_term_nobody_signs_refuses_or_publishes() -> None:
    pending = proposed()
    late = pending.until - pending.event["signed_at"] + 1
    with pytest.raises(Refused, match="the term for signing is over") as raised:
        sign(pending, "city", after=late)
    assert raised.value.code == "term_over"
    assert sign(pending, "city", after=late - 1).signatures
    whole = sign(sign(pending, "city"), "province")
    with pytest.raises(Refused, match="the term for signing is over"):
        record_of(whole, now=pending.until + 1)


@pytest.mark.parametrize("days", [0, -1, 8])
def test_a_term_lies_within_seven_days(days: int) -> None:
    with pytest.raises(Malformed, match="not a term"):
        proposed(days=days)


def test_a_refusal_ends_the_act_for_everybody() -> None:
    pending = refuse(sign(proposed(), "city"), "province")
    again = read_pending(write_pending(pending))
    assert [said.reason for said in again.refusals.values()] == ["不同意"]
    for act, name in ((sign, "province"), (refuse, "city")):
        with pytest.raises(Refused, match="a named signer has refused") as raised:
            act(again, name)
        assert raised.value.code == "cosigner_refused"
    with pytest.raises(Refused, match="a named signer has refused"):
        record_of(again, now=again.until)


def test_who_has_signed_can_neither_sign_again_nor_refuse() -> None:
    pending = sign(proposed(), "city")
    for act in (sign, refuse):
        with pytest.raises(Malformed, match="this key has signed already"):
            act(pending, "city")


def test_a_key_that_the_act_does_not_name_says_nothing() -> None:
    for act in (sign, refuse):
        with pytest.raises(Malformed, match="the act does not name this key"):
            act(proposed(), "other city")


def test_copies_of_other_acts_are_not_merged() -> None:
    with pytest.raises(Malformed, match="not copies of one pending act"):
        merged(proposed("1"), proposed("2"))


def test_a_refusal_in_one_copy_wins_over_a_signature_in_another() -> None:
    pending = proposed()
    signed = sign(sign(pending, "city"), "province")
    whole = merged(refuse(pending, "province"), signed)
    assert whole.missing == ()
    with pytest.raises(Refused, match="a named signer has refused"):
        record_of(whole, now=pending.event["signed_at"])


# --- hostile files -----------------------------------------------------------------------

FOREIGN = base64.b64encode(bytes(64)).decode()


def _move_term(document: dict[str, Any]) -> None:
    document["until"] = document["until"].replace("2026-03-05", "2026-03-06")


def _name_another(document: dict[str, Any]) -> None:
    document["signatures"][0]["key_id"] = world().signer("other city").key_id.hex()


def _sign_for_another(document: dict[str, Any]) -> None:
    document["signatures"][0]["key_id"] = world().signer("province").key_id.hex()


def _other_reason(document: dict[str, Any]) -> None:
    document["refusals"][0]["reason"] = "同意"


def _later_refusal(document: dict[str, Any]) -> None:
    document["refusals"][0]["at"] = document["until"]


def _other_proposer(document: dict[str, Any]) -> None:
    document["proposer"] = world().signer("province").key_id.hex()


def _swap_keys(document: dict[str, Any]) -> None:
    document["keys"].reverse()


def _other_key(document: dict[str, Any]) -> None:
    key = world().signer("other city").public_key
    document["keys"][0] = base64.b64encode(key).decode()


def _empty_signature(document: dict[str, Any]) -> None:
    document["signatures"][0]["value"] = FOREIGN


def _short_signature(document: dict[str, Any]) -> None:
    document["signatures"][0]["value"] = ""


EDITS = (
    _move_term, _name_another, _sign_for_another, _other_reason, _later_refusal,
    _other_proposer, _swap_keys, _other_key, _empty_signature, _short_signature,
)  # fmt: skip


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.__name__)
def test_an_edit_of_what_was_signed_is_untrusted(
    edit: Callable[[dict[str, Any]], None],
) -> None:
    pending = proposed()
    pending = merged(refuse(pending, "province"), sign(pending, "city"))
    with pytest.raises(Untrusted):
        read_pending(edited(pending, edit))


def test_a_term_beyond_seven_days_is_untrusted_even_if_its_proposer_signed_it() -> None:
    pending = proposed(days=7)
    assert read_pending(write_pending(pending)) == pending
    until = pending.until + 1
    message = proposal_message(pending.digest, until)
    longer = replace(
        pending, until=until, proposal=world().signer("city").sign(message)
    )
    with pytest.raises(Untrusted, match="the term is longer than 7 days"):
        read_pending(write_pending(longer))


@pytest.mark.parametrize("reason", ["", "\x1b[2J", "一\n二", "长" * 501])
def test_a_refusal_that_cannot_be_shown_is_untrusted_though_signed(reason: str) -> None:
    pending = proposed()
    signer, at = world().signer("province"), pending.event["signed_at"]
    value = signer.sign(refusal_message(pending.digest, at, reason))
    said = Declined(at=at, reason=reason, value=value)
    hostile = replace(pending, refusals={signer.key_id: said})
    with pytest.raises(Untrusted, match="no reason that can be shown"):
        read_pending(write_pending(hostile))


@pytest.mark.parametrize(
    "data",
    [
        b"", b"[]", b"{}", b'{"format": "license-ledger/pending@v2"}',
        b'{"format": 1, "format": 2}', b"[" * 10_000, b" " * 200_001, b"\xff",
    ],
    ids=len,
)  # fmt: skip
def test_other_files_are_malformed(data: bytes) -> None:
    with pytest.raises(Malformed, match="not a pending act"):
        read_pending(data)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("body", "!"), ("body", FOREIGN), ("body", 1), ("keys", None), ("keys", [1]),
        ("keys", []), ("until", "2026-03-05"), ("until", "soon"), ("until", 5),
        ("proposer", "zz"), ("signatures", [{}]), ("signatures", {}),
        ("refusals", [{"key_id": "", "at": "", "reason": "", "value": ""}]),
        ("refusals", [0] * 101), ("more", 1),
    ],
)  # fmt: skip
def test_members_out_of_form_are_malformed(member: str, value: Any) -> None:
    def edit(document: dict[str, Any]) -> None:
        document[member] = value

    with pytest.raises(Malformed):
        read_pending(edited(proposed(), edit))


@given(st.data())
def test_no_flipped_byte_changes_what_is_read(data: st.DataObject) -> None:
    pending = sign(proposed(), "city")
    raw = bytearray(write_pending(pending))
    at = data.draw(st.integers(min_value=0, max_value=len(raw) - 1))
    raw[at] ^= data.draw(st.integers(min_value=1, max_value=255))
    with pytest.raises(LedgerError):
        read_pending(bytes(raw))


# --- copies that go separate ways --------------------------------------------------------


class Departments(RuleBasedStateMachine):
    """Two departments and a thief pass copies of one act around in any order."""

    COPIES = 3
    copy = st.integers(min_value=0, max_value=COPIES - 1)

    def __init__(self) -> None:
        super().__init__()
        pending = proposed("MACHINE")
        self.copies = [write_pending(pending)] * self.COPIES
        self.willing: set[str] = set()
        self.unwilling: set[str] = set()

    @rule(at=copy, name=st.sampled_from(NAMES))
    def sign(self, at: int, name: str) -> None:
        if name not in self.unwilling:
            self._change(at, lambda pending: sign(pending, name))
            self.willing.add(name)

    @rule(at=copy, name=st.sampled_from(NAMES))
    def refuse(self, at: int, name: str) -> None:
        if name not in self.willing:
            self.unwilling.add(name)
            self._change(at, lambda pending: refuse(pending, name))

    @rule(at=copy, other=copy)
    def merge(self, at: int, other: int) -> None:
        mine, found = (read_pending(self.copies[i]) for i in (at, other))
        self.copies[at] = write_pending(merged(mine, found))
        assert self.copies[at] == write_pending(merged(found, mine))

    @rule(at=copy, edit=st.sampled_from(EDITS))
    def tamper(self, at: int, edit: Callable[[dict[str, Any]], None]) -> None:
        pending = read_pending(self.copies[at])
        try:
            data = edited(pending, edit)
        except IndexError:  # nobody has signed or refused yet
            return
        if data == self.copies[at]:
            return
        with pytest.raises(LedgerError):
            read_pending(data)

    @rule(at=copy, source=copy)
    def drop_refusals(self, at: int, source: int) -> None:
        """A thief keeps signatures and strips what hinders him: that he can do."""

        def edit(document: dict[str, Any]) -> None:
            document["refusals"] = []

        self.copies[at] = edited(read_pending(self.copies[source]), edit)

    @invariant()
    def only_whole_acts_are_records(self) -> None:
        for data in self.copies:
            pending = read_pending(data)
            try:
                record_of(pending, now=pending.event["signed_at"] + 2)
            except Refused:
                continue
            assert self.willing == set(NAMES)

    @override
    def teardown(self) -> None:
        """Whatever the order in which all copies meet, they become one file."""
        first, second, third = (read_pending(data) for data in self.copies)
        one = merged(merged(first, second), third)
        assert write_pending(one) == write_pending(merged(third, merged(second, first)))
        assert merged(one, one) == one

    def _change(self, at: int, act: Callable[[PendingAct], PendingAct]) -> None:
        try:
            self.copies[at] = write_pending(act(read_pending(self.copies[at])))
        except (Malformed, Refused):
            return


TestDepartments = Departments.TestCase
TestDepartments.settings = settings(max_examples=15, stateful_step_count=15)
