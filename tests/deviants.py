"""Every way in which a single record can break the format, by name.

``DEVIANTS`` maps a name to (bytes, expected refusal); tests judge them, and the golden
files keep them. ``BOUNDARIES`` are records at the very edge that the format still takes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ledger.codec import EVENT_1, RECORD_1, SEAL_1
from ledger.value_domain import TIME_END, TIME_MIN
from tests import avro_forms
from tests.avro_forms import always, padded, varint
from tests.sample_events import (
    LICENSE_ID,
    record_bytes,
    sample_event,
    sample_signatures,
)

MALFORMED = "malformed"
UNKNOWN = "unknown_schema"


def _single() -> list[Any]:
    return [{"value": b"\x11" * 64, "batch": None}]


def _signers(*key_ids: bytes, role: int = 1, algorithm: int = 1) -> list[Any]:
    return [
        {"key_id": key_id, "role": role, "algorithm": algorithm} for key_id in key_ids
    ]


def _with_signers(signers: list[Any], count: int | None = None) -> bytes:
    number = len(signers) if count is None else count
    return record_bytes(sample_event(signers=signers), signatures=_single() * number)


def _value(value: Any) -> bytes:
    return record_bytes(sample_event(fields=[{"name": "x", "value": value}]))


def _batch(**changes: Any) -> bytes:
    signatures: list[Any] = sample_signatures()
    signatures[1]["batch"] |= changes
    return record_bytes(signatures=signatures)


def _strings(count: int) -> dict[str, Any]:
    return {"strings": ["s"] * count}


def _holders(count: int) -> list[Any]:
    return [{"kind": "001", "ref": bytes(32), "code": ""}] * count


def _matter(**changes: str) -> dict[str, str]:
    return {**sample_event()["matter"], **changes}  # type: ignore[dict-item]


def _filled(size: int) -> bytes:
    """A good record of exactly this many bytes."""
    missing = size - len(record_bytes(sample_event(fields=[_blob(40_000)])))
    data = record_bytes(sample_event(fields=[_blob(40_000 + missing)]))
    assert len(data) == size
    return data


def _blob(size: int) -> dict[str, Any]:
    return {"name": "x", "value": b"\xff" * size}


def _outer() -> Iterator[tuple[str, bytes, str]]:
    good = record_bytes()
    yield "nothing", b"", MALFORMED
    yield "only the mark", good[:2], MALFORMED
    yield "only the header", good[:10], MALFORMED
    yield "other mark", b"\xc3\x02" + good[2:], MALFORMED
    yield "a bare event", avro_forms.write(EVENT_1, sample_event()), UNKNOWN
    yield "fingerprint of a seal", SEAL_1.header + good[10:], UNKNOWN
    yield "fingerprint of nobody", good[:2] + b"\xff" * 8 + good[10:], UNKNOWN
    yield "fingerprint big-endian", good[:2] + good[9:1:-1] + good[10:], UNKNOWN
    yield "60,001 bytes", _filled(60_001), MALFORMED
    yield "a megabyte", good + bytes(1_000_000), MALFORMED
    yield "a byte after the end", good + b"\0", MALFORMED
    yield "the record twice", good + good, MALFORMED
    yield "the last byte missing", good[:-1], MALFORMED
    empty = avro_forms.write(RECORD_1, {"body": b"", "signatures": []})
    yield "no body", empty, MALFORMED
    yield "body without a header", _with_body(b"\0" * 400), MALFORMED
    yield "body with a header alone", _with_body(EVENT_1.header), MALFORMED
    yield "body of another schema", _with_body(SEAL_1.header + b"\0" * 40), UNKNOWN
    yield "body that is a record", _with_body(good), UNKNOWN
    body = avro_forms.write(EVENT_1, sample_event())
    yield "body fingerprint of nobody", _with_body(b"\xc3\x01" + bytes(50)), UNKNOWN
    yield "a byte after the body's end", _with_body(body + b"\0"), MALFORMED
    yield "the body's last byte missing", _with_body(body[:-1]), MALFORMED


def _with_body(body: bytes) -> bytes:
    record = {"body": body, "signatures": sample_signatures()}
    return avro_forms.write(RECORD_1, record)


def _varints() -> Iterator[tuple[str, bytes, str]]:
    for size in (4, 10, 11, 20):
        pad = {"sequence": padded(size)}
        yield f"sequence on {size} bytes", record_bytes(in_body=pad), MALFORMED
    overflow = always(b"\x84" + b"\x80" * 8 + b"\x7e")
    for name, path, normal in (
        ("type_version beyond 32 bits", "type_version", varint(2**31)),
        ("type_version below 32 bits", "type_version", varint(-(2**31) - 1)),
        ("role beyond 32 bits", "signers[0].role", varint(2**32 + 1)),
        ("algorithm beyond 32 bits", "signers[0].algorithm", varint(2**32 + 1)),
        ("bits above 64 in a long", "sequence", overflow(b"")),
        ("chain -1", "chain", varint(-1)),
        ("chain 4", "chain", varint(4)),
        ("precision -1", "effective_precision", varint(-1)),
        ("medium -1", "medium", varint(-1)),
        ("medium 4", "medium", varint(4)),
        ("boolean 2", "flags.nonstandard", b"\x02"),
        ("boolean 255", "flags.nonstandard", b"\xff"),
        ("boolean value 2", "fields[3].value", b"\x06\x02"),
        ("union branch 2 of 2", "file", b"\x04"),
        ("union branch 7 of 7", "fields[0].value", b"\x0e"),
    ):
        yield name, record_bytes(in_body={path: always(normal)}), MALFORMED
    beyond = {"signatures[1].batch.count": always(varint(2**32 + 3))}
    yield "batch count beyond 32 bits", record_bytes(in_record=beyond), MALFORMED


def _unions_and_arrays() -> Iterator[tuple[str, bytes, str]]:
    for path in ("decision", "file", "flags", "fields[6].value"):

        def last_branch(normal: bytes) -> bytes:
            return varint(-1) + normal[1:]

        deviant = record_bytes(in_body={path: last_branch})
        yield f"{path} by union index -1", deviant, MALFORMED
    minus = {"signatures[1].batch": lambda normal: varint(-1) + normal[1:]}
    yield "batch by union index -1", record_bytes(in_record=minus), MALFORMED
    cause = bytes(range(96, 128))
    for name, form in (
        ("an array in two blocks", b"\x02" + cause + b"\x02" + cause + b"\0"),
        ("a negative block count", b"\x01\x40" + cause + b"\0"),
        ("a negative count, size 0", b"\x01\x00" + cause + b"\0"),
        ("a negative count, size -1", b"\x01\x01" + cause + b"\0"),
        ("an array end on two bytes", b"\x02" + cause + b"\x80\0"),
        ("an array without an end", b"\x02" + cause),
        ("a count of 2^31", varint(2**31) + cause + b"\0"),
        ("a count of 2^40", varint(2**40) + cause + b"\0"),
        ("a count of 2^63 - 1", varint(2**63 - 1) + cause + b"\0"),
        ("a count of -2^63", varint(-(2**63)) + b"\0" + cause + b"\0"),
    ):
        yield name, record_bytes(in_body={"causes": always(form)}), MALFORMED
    two = sample_signatures()
    blocks = {"signatures": lambda normal: _split(normal, 66)}
    yield (
        "signatures in two blocks",
        record_bytes(signatures=two, in_record=blocks),
        MALFORMED,
    )


def _split(normal: bytes, first: int) -> bytes:
    """An array of two, its first item ``first`` - 1 bytes, in two blocks."""
    return b"\x02" + normal[1:first] + b"\x02" + normal[first:]


def _strings_and_bytes() -> Iterator[tuple[str, bytes, str]]:
    for name, form in (
        ("a string that is not UTF-8", b"\x02\xff"),
        ("a string of overlong UTF-8", b"\x04\xc1\x81"),
        ("a string with a lone surrogate", b"\x06\xed\xa0\x80"),
        ("a string beyond U+10FFFF", b"\x08\xf4\x90\x80\x80"),
        ("a string of length -1", b"\x01"),
        ("a string of length 2^40", varint(2**40)),
        ("a string of length 2^63 - 1", varint(2**63 - 1)),
    ):
        yield name, record_bytes(in_body={"channel": always(form)}), MALFORMED
    for number in (0, 1, 9, 10, 13, 27, 31, 127, 128, 0x85, 159):
        text = f"a{chr(number)}b"
        name = f"U+{number:04X}"
        yield f"{name} in a text", record_bytes(sample_event(channel=text)), MALFORMED
        yield f"{name} in a value", _value(text), MALFORMED
    dirty = "a\0b"
    for place, changes in (
        ("act", {"act": dirty}),
        ("authority", {"authority": dirty}),
        ("deciding authority", {"deciding_authority": dirty}),
        ("paper serial", {"paper_serial": dirty}),
        ("matter", {"matter": _matter(approver=dirty)}),
        ("item code", {"matter": _matter(item_code=dirty)}),
        ("decision", {"decision": {**_decision(), "date": dirty}}),
        ("reason code", {"decision": {**_decision(), "reason_code": dirty}}),
        ("holder kind", {"holders": [{"kind": dirty, "ref": bytes(32), "code": ""}]}),
        ("holder code", {"holders": [{"kind": "", "ref": bytes(32), "code": dirty}]}),
        ("field name", {"fields": [{"name": dirty, "value": None}]}),
        ("strings", {"fields": [{"name": "x", "value": {"strings": [dirty]}}]}),
        ("cell name", {"fields": [{"name": "x", "value": _cell(dirty, None)}]}),
        ("cell value", {"fields": [{"name": "x", "value": _cell("c", dirty)}]}),
        ("seal check", {"file": {"digest": bytes(32), "seal_check": dirty}}),
        ("source act", {"flags": {**_flags(), "source_act": dirty}}),
        ("missing", {"flags": {**_flags(), "missing": {"strings": [dirty]}}}),
        ("dispute number", {"chain": "dispute", "subject": f"{LICENSE_ID}/{dirty}"}),
    ):
        yield f"U+0000 in {place}", record_bytes(sample_event(**changes)), MALFORMED


def _decision() -> dict[str, Any]:
    return dict(sample_event()["decision"] or {})


def _flags() -> dict[str, Any]:
    return dict(sample_event()["flags"] or {})


def _cell(name: str, value: Any) -> dict[str, Any]:
    return {"rows": [{"cells": [{"name": name, "value": value}]}]}


def _sizes() -> Iterator[tuple[str, bytes, str]]:
    long, name = "长" * 667, "名" * 67  # 2,001 and 201 bytes of UTF-8
    yield "a text of 2,001 bytes", record_bytes(sample_event(channel=long)), MALFORMED
    yield "a value of 2,001 bytes", _value("v" * 2_001), MALFORMED
    yield "one of 2,001 bytes in strings", _value({"strings": [long]}), MALFORMED
    yield "a cell of 2,001 bytes", _value(_cell("c", long)), MALFORMED
    for place, changes in (
        ("act", {"act": name}),
        ("authority", {"authority": name}),
        ("deciding authority", {"deciding_authority": "d" * 201}),
        ("item code", {"matter": _matter(item_code=name)}),
        ("reason code", {"decision": {**_decision(), "reason_code": name}}),
        ("holder kind", {"holders": [{"kind": name, "ref": bytes(32), "code": ""}]}),
        ("holder code", {"holders": [{"kind": "", "ref": bytes(32), "code": name}]}),
        ("field name", {"fields": [{"name": name, "value": None}]}),
        ("cell name", {"fields": [{"name": "x", "value": _cell(name, None)}]}),
        ("source act", {"flags": {**_flags(), "source_act": name}}),
        ("subject", {"chain": "dispute", "subject": f"{LICENSE_ID}/{'1' * 150}"}),
    ):
        yield f"{place} of 201 bytes", record_bytes(sample_event(**changes)), MALFORMED
    many = [{"name": f"{n:04d}", "value": None} for n in range(1_001)]
    yield "1,001 fields", record_bytes(sample_event(fields=many)), MALFORMED
    causes = [bytes(32)] * 1_001
    yield "1,001 causes", record_bytes(sample_event(causes=causes)), MALFORMED
    yield "1,001 strings", _value(_strings(1_001)), MALFORMED
    yield "1,001 rows", _value({"rows": [{"cells": []}] * 1_001}), MALFORMED
    cells = [{"name": "c", "value": None}] * 1_001
    yield "1,001 cells", _value({"rows": [{"cells": cells}]}), MALFORMED
    missing = {**_flags(), "missing": _strings(1_001)}
    yield "1,001 missing", record_bytes(sample_event(flags=missing)), MALFORMED
    yield "256 holders", record_bytes(sample_event(holders=_holders(256))), MALFORMED


def _signing() -> Iterator[tuple[str, bytes, str]]:
    one, two = b"\x01" * 32, b"\x02" * 32
    nine = [bytes([n]) * 32 for n in range(1, 10)]
    yield "no signers", _with_signers([]), MALFORMED
    yield "9 signers", _with_signers(_signers(*nine)), MALFORMED
    yield "signers in descending order", _with_signers(_signers(two, one)), MALFORMED
    yield "one signer twice", _with_signers(_signers(one, one)), MALFORMED
    twice = _signers(one) + _signers(one, role=2)
    yield "one key in two roles", _with_signers(twice), MALFORMED
    yield "role 0", _with_signers(_signers(one, role=0)), MALFORMED
    yield "role 4", _with_signers(_signers(one, role=4)), MALFORMED
    yield "role -1", _with_signers(_signers(one, role=-1)), MALFORMED
    yield "algorithm 0", _with_signers(_signers(one, algorithm=0)), MALFORMED
    yield "algorithm 2", _with_signers(_signers(one, algorithm=2)), MALFORMED
    yield "a signature stripped", _with_signers(_signers(one, two), 1), MALFORMED
    yield "a signature added", _with_signers(_signers(one), 2), MALFORMED
    yield "599 signatures", _with_signers(_signers(one), 599), MALFORMED
    node = b"\x44" * 32
    yield "batch of none", _batch(count=0, index=0, path=[]), MALFORMED
    yield "batch of -1", _batch(count=-1, index=0, path=[]), MALFORMED
    yield "batch of 4,097", _batch(count=4_097, index=0, path=[node] * 13), MALFORMED
    yield "batch index -1", _batch(index=-1), MALFORMED
    yield "batch index at its count", _batch(index=3), MALFORMED
    yield "batch path too short", _batch(path=[node]), MALFORMED
    yield "batch path too long", _batch(path=[node] * 3), MALFORMED
    yield "batch path of 1,001", _batch(path=[node] * 1_001), MALFORMED


def _rules() -> Iterator[tuple[str, bytes, str]]:
    fields = [{"name": "b", "value": None}, {"name": "a", "value": None}]
    digest = bytes(range(32))
    for name, changes in (
        ("fields out of order", {"fields": fields}),
        ("one field twice", {"fields": [fields[0]] * 2}),
        ("sequence 0", {"sequence": 0, "previous": bytes(32)}),
        ("sequence -1", {"sequence": -1, "previous": digest}),
        ("sequence 1 with a predecessor", {"sequence": 1, "previous": digest}),
        ("sequence 2 without one", {"sequence": 2, "previous": bytes(32)}),
        ("type_version -1", {"type_version": -1}),
        ("unknown time other than signed", {"effective_precision": "unknown"}),
        ("effective in 1899", {"effective_at": TIME_MIN - 1}),
        ("effective in 2201", {"effective_at": TIME_END}),
        ("effective in the year 9999", {"effective_at": 253_402_300_799_000_000}),
        ("signed in 1899", {"signed_at": TIME_MIN - 1}),
        ("signed in 2201", {"signed_at": TIME_END}),
        ("signed at the end of all longs", {"signed_at": 2**63 - 1}),
    ):
        yield name, record_bytes(sample_event(**changes)), MALFORMED
    key = {"chain": "registry", "subject": "key:" + "ab" * 32}
    yield "a reason in the registry", record_bytes(sample_event(**key)), MALFORMED
    prefix, parts = LICENSE_ID[:15], LICENSE_ID[15:].split(".")
    for name, chain, subject in (
        ("empty subject", "license", ""),
        ("license with another root", "license", "1.2.156.3005.3." + LICENSE_ID[15:]),
        ("license in lower case", "license", LICENSE_ID.lower()),
        ("license with a space", "license", LICENSE_ID + " "),
        ("license of three parts", "license", prefix + ".".join(parts[:2])),
        ("license without a serial", "license", prefix + ".".join(parts[:2]) + "."),
        ("license serial of 33", "license", LICENSE_ID + "1" * 17),
        ("license with a version", "license", LICENSE_ID + ".001.3"),
        ("license in full-width digits", "license", LICENSE_ID[:-1] + "１"),
        ("license type without digits", "license", LICENSE_ID.replace("R001", "RABC")),
        ("holder in upper case", "holder", "AB" * 32),
        ("holder too short", "holder", "ab" * 31),
        ("holder with a license id", "holder", LICENSE_ID),
        ("dispute without a number", "dispute", LICENSE_ID),
        ("dispute with an empty number", "dispute", LICENSE_ID + "/"),
        ("dispute with two numbers", "dispute", LICENSE_ID + "/1/2"),
        ("dispute about nothing", "dispute", "/1"),
        ("registry kind unknown", "registry", "court:1"),
        ("registry without a colon", "registry", "ledger"),
        ("registry founding with a name", "registry", "ledger:x"),
        ("registry key in upper case", "registry", "key:" + "AB" * 32),
        ("registry authority too short", "registry", "authority:1121"),
        ("registry schema without version", "registry", "schema:event"),
        ("registry rule 0", "registry", "rule:0"),
        ("registry type with a dot", "registry", "type:1.2"),
    ):
        data = record_bytes(sample_event(chain=chain, subject=subject))
        yield name, data, MALFORMED


def _boundaries() -> Iterator[tuple[str, bytes]]:
    def event(**changes: Any) -> bytes:
        return record_bytes(sample_event(**changes))

    eight = [bytes([n]) * 32 for n in range(1, 9)]
    yield "every part in use", record_bytes()
    yield "60,000 bytes", _filled(60_000)
    yield "a text of 2,000 bytes", event(channel="长" * 666 + "ab")
    yield "an act of 200 bytes", event(act="名" * 66 + "ab")
    yield "many texts of 2,000 bytes", _value({"strings": ["v" * 2_000] * 20})
    yield "1,000 strings", _value(_strings(1_000))
    yield "1,000 causes", event(causes=[bytes(32)] * 1_000)
    yield "255 holders", event(holders=_holders(255))
    yield "a key id of zeros", _with_signers(_signers(bytes(32)))
    yield "8 signers", _with_signers(_signers(*eight))
    yield "U+0020 and U+007E", event(channel=" ~")
    yield "U+00A0 and what else is no control", event(channel="\u00a0\u202e\u2028é")
    yield "a character of C2 that is no control", event(channel="©")
    yield "control bytes in bytes", _value(bytes(range(256)))
    yield "the first time", event(effective_at=TIME_MIN)
    yield "the last time", event(signed_at=TIME_END - 1)
    yield "sequence 2^63 - 1", event(sequence=2**63 - 1)
    yield "type_version 2^31 - 1", event(type_version=2**31 - 1)
    yield "longs at both ends", _value(_cell("c", -(2**63)))
    yield "a batch of one", _batch(count=1, index=0, path=[])
    yield "a batch of 4,096", _batch(count=4_096, index=0, path=[b"\x44" * 32] * 12)
    yield "no optional part", event(decision=None, file=None, flags=None)
    yield "no lists", event(holders=[], fields=[], causes=[])
    nothing: dict[str, Any] = {"type_version": 0}
    dispute = f"{LICENSE_ID}/7"
    yield "a dispute chain", event(chain="dispute", subject=dispute, **nothing)
    missing = "ab" * 32 + "/7"
    yield "a dispute about nothing yet", event(chain="dispute", subject=missing)
    yield "a holder chain", event(chain="holder", subject="ab" * 32, **nothing)
    founding: dict[str, Any] = {"chain": "registry", "subject": "ledger:"}
    founding["decision"] = {**_decision(), "reason": b""}
    yield "the founding subject", event(**founding, sequence=1, previous=bytes(32))
    unknown: dict[str, Any] = {"effective_precision": "unknown"}
    yield "an unknown time", event(**unknown, effective_at=sample_event()["signed_at"])


def _deviants() -> Iterator[tuple[str, bytes, str]]:
    for part in (
        _outer,
        _varints,
        _unions_and_arrays,
        _strings_and_bytes,
        _sizes,
        _signing,
        _rules,
    ):
        yield from part()


DEVIANTS: dict[str, tuple[bytes, str]] = {
    name: (data, code) for name, data, code in _deviants()
}
BOUNDARIES: dict[str, bytes] = dict(_boundaries())
