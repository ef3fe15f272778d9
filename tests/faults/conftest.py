"""Fault tests: the short ones always, the long ones with ``--faults``."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import pytest

from tests.faults.folders import own_folder
from tests.faults.seed import SEED, VARIABLE
from tests.faults.world import World, world


def pytest_report_header(config: pytest.Config) -> str:
    return f"faults: {VARIABLE}={SEED}"


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    if not config.getoption("--faults"):
        skip = pytest.mark.skip(reason="a long fault test: make test-faults")
        for item in items:
            if item.get_closest_marker("faults"):
                item.add_marker(skip)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        report.sections.append(("seed", f"{VARIABLE}={SEED}"))
        made = getattr(item, "funcargs", {}).get("broken")
        if isinstance(made, World):
            report.sections += [
                (name, said[-2_000:].decode(errors="replace"))
                for name, said in made.commands.printed()
                if said
            ]
    return report


@pytest.fixture(scope="module")
def broken() -> Iterator[World]:
    """A running ledger for the tests of a module, to be broken by one after another."""
    with own_folder() as folder, world(folder) as made:
        yield made
