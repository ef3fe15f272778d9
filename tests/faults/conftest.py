"""Fault tests: the short ones always, the long ones with ``--faults``."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.faults.seed import SEED, VARIABLE
from tests.faults.world import World, world
from tests.folders import own_folder

_HERE = Path(__file__).parent
# Their short forms in every run; the others take minutes each: `make test-faults`.
_SHORT = frozenset(
    {"test_brokers", "test_delivery", "test_oracles", "test_processes", "test_proxy"}
)
_FIGURES = "figures"
_FAILED = pytest.StashKey[bool]()


def pytest_report_header(config: pytest.Config) -> str:
    return f"faults: {VARIABLE}={SEED}"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    skip = pytest.mark.skip(reason="a long fault test: make test-faults")
    for item in items:
        if not item.path.is_relative_to(_HERE):
            continue
        # One process, one cluster at a time (--dist loadgroup).
        item.add_marker(pytest.mark.xdist_group("faults"))
        long = item.path.stem not in _SHORT or item.get_closest_marker("faults")
        if long and not config.getoption("--faults"):
            item.add_marker(skip)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        item.stash[_FAILED] = True
        report.sections.append(("seed", f"{VARIABLE}={SEED}"))
        made = getattr(item, "funcargs", {}).get("broken")
        if isinstance(made, World) and report.when != "teardown":
            report.sections += [
                (name, said[-2_000:].decode(errors="replace"))
                for name, said in made.commands.printed()
                if said
            ]
    return report


@pytest.fixture(autouse=True)
def told(
    request: pytest.FixtureRequest, record_property: Callable[[str, object], None]
) -> Iterator[None]:
    """Hands what a ledger has been through on to the end of the run."""
    yield
    made = (request.node.funcargs or {}).get("broken")  # none of an interrupted run
    if isinstance(made, World) and made.figures:
        figures = ", ".join(f"{name} {n}" for name, n in made.figures.items())
        record_property(_FIGURES, f"{request.path.stem}: {figures}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    found: dict[str, str] = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, value in getattr(report, "user_properties", ()):
                if name == _FIGURES:
                    module, _, figures = str(value).partition(": ")
                    if _first(figures) >= _first(found.get(module, "")):
                        found[module] = figures
    if found:
        terminalreporter.section(f"faults, {VARIABLE}={SEED}")
        for module, figures in sorted(found.items()):
            terminalreporter.write_line(f"{module}: {figures}")


def _first(figures: str) -> int:
    """The number that only grows; what is told of a ledger grows with it."""
    return int(figures.partition(",")[0].rpartition(" ")[2] or 0)


class Worlds:
    """Hands out one running ledger after another: a new one after a test that failed."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._made: World | None = None

    def whole(self) -> World:
        if self._made is None:
            folder = self._stack.enter_context(own_folder())
            self._made = self._stack.enter_context(world(folder))
        return self._made

    def abandon(self) -> None:
        """Ends its processes without asking them anything."""
        given_up = RuntimeError("a test has failed on it")
        self._made = None
        self._stack.__exit__(RuntimeError, given_up, None)

    def close(self) -> None:
        self._stack.close()


@pytest.fixture(scope="module")
def worlds() -> Iterator[Worlds]:
    made = Worlds()
    yield made
    made.close()


@pytest.fixture
def broken(request: pytest.FixtureRequest, worlds: Worlds) -> Iterator[World]:
    """A running ledger for the tests of a module, to be broken by one after another."""
    yield worlds.whole()
    if request.node.stash.get(_FAILED, False):
        worlds.abandon()
