"""Accepted events as a read-only application of the ``eventsourcing`` library.

A department writes an ordinary ``Projection`` and runs it with ``ProjectionRunner``. A
notification's id is the event's position + 1: ids ascend and refused records leave holes.
None is given out while a lower one may still come.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import Any, ClassVar, NoReturn
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.persistence import (
    ApplicationRecorder,
    InfrastructureFactory,
    Notification,
    StoredEvent,
    Subscription,
)
from eventsourcing.popo import POPOFactory
from eventsourcing.utils import Environment
from typing_extensions import override

from consumers.accepted_event import AcceptedMapper, AcceptedRecord, read_only
from consumers.accepted_reader import AcceptedReader, Connect, OpenLog
from ledger.errors import Malformed
from projections.migrate import VIEWS

_PAGE = 500


class AcceptedSubscription(Subscription["AcceptedRecorder"]):
    """Waits for accepted events and yields them; ``stop`` ends it within WAIT_S.

    It reads in the thread that iterates, over connections of its own: what fails there
    is raised there.
    """

    def __init__(
        self,
        recorder: AcceptedRecorder,
        reader: AcceptedReader,
        *,
        gt: int | None,
        topics: Sequence[str],
    ) -> None:
        super().__init__(recorder, gt=gt, topics=topics)
        self._reader = reader
        self._next = gt or 0  # the position of id gt + 1
        self._found: deque[AcceptedRecord] = deque()
        self._lock = Lock()
        self._closed = False

    @override
    def __next__(self) -> Notification:
        while not self._has_been_stopped:
            if self._found:
                return self._found.popleft()
            with self._lock:
                if not self._has_been_stopped:
                    self._fill()
        self.close()
        raise StopIteration

    def close(self) -> None:
        """Stops, and gives back what it holds open; may be called from any thread."""
        self.stop()
        with self._lock:
            if not self._closed:
                self._closed = True
                self._reader.close()

    def _fill(self) -> None:
        end = self._reader.end()
        if self._next < end:
            page = self._reader.between(
                self._next, end, limit=_PAGE, topics=self._topics
            )
            self._next = page[-1].id if len(page) == _PAGE else end
            self._found.extend(page)
        else:
            self._reader.wait()


class AcceptedRecorder(ApplicationRecorder):
    """The library's recorder over accepted events: reads and subscribes, never writes.

    Any thread may use it; each subscription has connections of its own.
    """

    def __init__(self, make_reader: Callable[[], AcceptedReader]) -> None:
        self._make_reader = make_reader
        self._reader = make_reader()
        self._lock = Lock()
        self._subscriptions: list[AcceptedSubscription] = []

    def close(self) -> None:
        """Ends all subscriptions and gives back all that is open."""
        for subscription in self._subscriptions:
            subscription.close()
        with self._lock:
            self._reader.close()

    @override
    def insert_events(
        self, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> NoReturn:
        read_only()

    @override
    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        with self._lock:
            return self._reader.of_chain(
                str(originator_id), gt=gt, lte=lte, desc=desc, limit=limit
            )

    @override
    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        first = 1 if start is None else start + (not inclusive_of_start)
        check_topics(topics)
        with self._lock:
            end = self._reader.end()
            end = end if stop is None else min(end, stop)
            return self._reader.between(
                max(first - 1, 0), end, limit=limit, topics=topics
            )

    @override
    def max_notification_id(self) -> int | None:
        with self._lock:
            return self._reader.last()

    @override
    def subscribe(
        self, gt: int | None = None, topics: Sequence[str] = ()
    ) -> Subscription[ApplicationRecorder]:
        check_topics(topics)
        subscription = AcceptedSubscription(
            self, self._make_reader(), gt=gt, topics=topics
        )
        self._subscriptions.append(subscription)
        return subscription


def check_topics(topics: Sequence[str]) -> None:
    """Raises Malformed for a topic that no event could have: it would bring nothing."""
    for topic in topics:
        chain, _, act = topic.partition("/")
        if chain not in ("license", "dispute", "registry", "holder") or not act:
            raise Malformed(
                "not a topic of accepted events",
                expected="chain/ACT, as in license/ISSUE",
                found=topic,
            )


class AcceptedEvents(Application[str]):
    """The application itself; ``reading`` makes the class that reads one ledger."""

    name = "AcceptedEvents"
    make_reader: ClassVar[Callable[[], AcceptedReader]]

    recorder: AcceptedRecorder

    @override
    def construct_factory(self, env: Environment) -> InfrastructureFactory[Any]:
        # The environment is the view's, a runner hands it to both: nothing there is
        # about the ledger, and a store to write to must not come from it.
        return POPOFactory(Environment(self.name))

    @override
    def construct_mapper(self) -> AcceptedMapper:
        return AcceptedMapper()

    @override
    def construct_recorder(self) -> AcceptedRecorder:
        return AcceptedRecorder(type(self).make_reader)

    @override
    def close(self) -> None:
        super().close()
        self.recorder.close()


def reading(
    *,
    open_log: OpenLog,
    connect: Connect,
    schema: str = VIEWS,
    name: str = AcceptedEvents.name,
) -> type[AcceptedEvents]:
    """The application class of one ledger, as ``ProjectionRunner`` asks for a class.

    Each application opens one log and one connection for itself, and one of each for
    every subscription. ``name`` is that of a view's tracking rows: another one for each
    ledger that one view follows.
    """

    def make_reader() -> AcceptedReader:
        return AcceptedReader(open_log, connect, schema=schema)

    members: Mapping[str, Any] = {
        "name": name,
        "make_reader": staticmethod(make_reader),
    }
    return type("AcceptedEvents", (AcceptedEvents,), dict(members))
