"""What every log must promise, asked of each of them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Thread

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.errors import Malformed, Unknown
from ledger.log.contract import RECORD_SIZE_MAX, EventLog
from tests.ledger.log.logs import KINDS, MARKS, OpenLog

ALL = 1_000_000_000
LONG_S = 60.0


@pytest.fixture(
    params=[
        pytest.param(
            name, marks=[getattr(pytest.mark, mark) for mark in MARKS.get(name, ())]
        )
        for name in KINDS
    ]
)
def open_log(request: pytest.FixtureRequest) -> Iterator[OpenLog]:
    yield from KINDS[request.param](request)


@pytest.fixture
def log(open_log: OpenLog) -> EventLog:
    return open_log()


def read_all(log: EventLog, source: str) -> list[bytes]:
    return log.read(source, 0, limit=ALL, size_max=ALL)


def test_new_log_is_empty(log: EventLog) -> None:
    assert log.ends() == {}
    assert read_all(log, "events-0") == []
    assert log.start("events-0") == 0


def test_append_returns_the_ordinals_in_its_source(log: EventLog) -> None:
    assert log.append("events-0", [b"a", b"b"]) == [0, 1]
    assert log.append("events-1", [b"c"]) == [0]
    assert log.append("events-0", [b"d"]) == [2]
    assert log.ends() == {"events-0": 3, "events-1": 1}
    assert read_all(log, "events-0") == [b"a", b"b", b"d"]
    assert log.read("events-0", 2, limit=ALL, size_max=ALL) == [b"d"]
    assert log.read("events-0", 3, limit=ALL, size_max=ALL) == []
    assert log.read("events-0", 99, limit=ALL, size_max=ALL) == []


def test_any_bytes_come_back_as_they_went_in(log: EventLog) -> None:
    records = [b"", b"\0", bytes(range(256)) * 100, b"\xff" * 9_000, b"{}\\x00"]
    log.append("registry", records)
    assert read_all(log, "registry") == records


def test_every_handle_sees_what_another_appended(open_log: OpenLog) -> None:
    writer, reader = open_log(), open_log()
    writer.append("events-0", [b"a"])
    assert read_all(reader, "events-0") == [b"a"]
    reader.append("events-0", [b"b"])
    assert read_all(writer, "events-0") == [b"a", b"b"]


def test_read_stops_at_limit(log: EventLog) -> None:
    log.append("events-0", [b"%d" % n for n in range(10)])
    assert log.read("events-0", 4, limit=3, size_max=ALL) == [b"4", b"5", b"6"]


def test_read_stops_at_size_but_gives_at_least_one(log: EventLog) -> None:
    log.append("events-0", [b"x" * 100, b"y" * 100, b"z" * 5_000])
    assert log.read("events-0", 0, limit=ALL, size_max=199) == [b"x" * 100]
    assert len(log.read("events-0", 0, limit=ALL, size_max=200)) == 2
    assert log.read("events-0", 0, limit=ALL, size_max=1) == [b"x" * 100]
    assert log.read("events-0", 2, limit=ALL, size_max=1) == [b"z" * 5_000]


def test_one_call_appends_to_several_sources(log: EventLog) -> None:
    log.append("events-1", [b"first"])
    batches = {"events-1": [b"a", b"b"], "registry": [b"c"]}
    assert log.append_all(batches) == {"events-1": [1, 2], "registry": [0]}
    assert read_all(log, "events-1") == [b"first", b"a", b"b"]
    assert read_all(log, "registry") == [b"c"]


def test_call_with_one_wrong_part_appends_nothing(log: EventLog) -> None:
    with pytest.raises(Unknown, match="events-9"):
        log.append_all({"events-0": [b"a"], "events-9": [b"b"]})
    with pytest.raises(Malformed, match="too large"):
        log.append_all({"events-0": [b"a"], "events-1": [bytes(RECORD_SIZE_MAX + 1)]})
    with pytest.raises(Malformed, match="nothing"):
        log.append_all({"events-0": [b"a"], "events-1": []})
    assert log.ends() == {}


def test_large_append_keeps_its_order(log: EventLog) -> None:
    records = [bytes([n]) * 300_000 for n in range(7)]
    assert log.append("events-0", records) == [*range(7)]
    assert read_all(log, "events-0") == records


def test_largest_record_is_taken_and_one_byte_more_is_not(log: EventLog) -> None:
    largest = bytes(RECORD_SIZE_MAX)
    log.append("events-0", [largest])
    with pytest.raises(Malformed, match="too large"):
        log.append("events-0", [b"small", largest + b"\0"])
    assert read_all(log, "events-0") == [largest]


def test_append_of_nothing_is_malformed(log: EventLog) -> None:
    with pytest.raises(Malformed, match="nothing"):
        log.append("events-0", [])


def test_unknown_source_is_unknown_to_all(log: EventLog) -> None:
    with pytest.raises(Unknown, match="events-9"):
        log.append("events-9", [b"a"])
    with pytest.raises(Unknown, match="events-9"):
        read_all(log, "events-9")
    with pytest.raises(Unknown, match="events-9"):
        log.start("events-9")
    assert log.ends() == {}


def test_wait_ends_after_its_time_without_any_append(log: EventLog) -> None:
    for _ in range(3):
        log.wait(0.01)
    assert log.ends() == {}


def test_wait_is_woken_by_an_append_of_another(open_log: OpenLog) -> None:
    reader, writer = open_log(), open_log()
    reader.wait(0.0)
    woken = Event()

    def sleep() -> None:
        reader.wait(LONG_S)
        woken.set()

    sleeper = Thread(target=sleep)
    sleeper.start()
    writer.append("events-1", [b"a"])
    assert woken.wait(LONG_S / 2)
    sleeper.join()


def test_append_before_wait_is_not_slept_through(open_log: OpenLog) -> None:
    reader, writer = open_log(), open_log()
    reader.wait(0.0)
    assert read_all(reader, "events-0") == []
    writer.append("events-0", [b"a"])
    # A reader that looked too early must not sleep now; this would take a minute.
    reader.wait(LONG_S)
    assert read_all(reader, "events-0") == [b"a"]


def test_writers_in_parallel_leave_no_hole_and_lose_nothing(
    open_log: OpenLog,
) -> None:
    handles = [open_log() for _ in range(4)]

    def write(writer: int) -> list[list[int]]:
        log = handles[writer]
        return [
            log.append("events-0", [b"%d-%d" % (writer, n), b"%d+%d" % (writer, n)])
            for n in range(25)
        ]

    with ThreadPoolExecutor(4) as pool:
        taken = list(pool.map(write, range(4)))
    held = read_all(handles[0], "events-0")
    assert handles[0].ends() == {"events-0": 200}
    for writer, appends in enumerate(taken):
        assert appends == sorted(appends)
        for n, (first, second) in enumerate(appends):
            assert first < second
            assert held[first] == b"%d-%d" % (writer, n)
            assert held[second] == b"%d+%d" % (writer, n)
    ordinals = [one for appends in taken for pair in appends for one in pair]
    assert sorted(ordinals) == [*range(200)]


def test_reader_beside_writers_never_sees_a_late_record(open_log: OpenLog) -> None:
    handles = [open_log() for _ in range(2)]
    reader = open_log()

    def write(log: EventLog) -> None:
        for n in range(60):
            log.append("events-0", [b"%d" % n])

    seen: list[bytes] = []
    with ThreadPoolExecutor(2) as pool:
        done = [pool.submit(write, log) for log in handles]
        while len(seen) < 120:
            seen += reader.read("events-0", len(seen), limit=7, size_max=ALL)
        for each in done:
            each.result()
    assert seen == read_all(reader, "events-0")
    assert sorted(seen) == sorted([b"%d" % n for n in range(60)] * 2)


_Steps = st.lists(
    st.tuples(
        st.sampled_from(["registry", "events-0", "events-1"]),
        st.lists(st.binary(max_size=40), min_size=1, max_size=4),
    ),
    max_size=12,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=_Steps, start=st.integers(0, 12), limit=st.integers(1, 6))
def test_log_is_a_list_per_source(
    open_log: OpenLog,
    steps: list[tuple[str, list[bytes]]],
    start: int,
    limit: int,
) -> None:
    log = open_log()
    model = {source: read_all(log, source) for source in ("registry", "events-0")}
    model["events-1"] = read_all(log, "events-1")
    for source, records in steps:
        first = len(model[source])
        model[source] += records
        assert log.append(source, records) == [*range(first, len(model[source]))]
    assert log.ends() == {name: len(held) for name, held in model.items() if held}
    for source, held in model.items():
        page = log.read(source, start, limit=limit, size_max=ALL)
        assert page == held[start : start + limit]
    log.close()
