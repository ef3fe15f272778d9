"""What is released: reproducible, whole, nothing else, and at home in an empty place."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import venv
import zipfile
from collections.abc import Iterator, Sequence
from email.parser import Parser
from importlib import metadata
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[1]
PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGES: Final[list[str]] = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"][
    "packages"
]
NOT_INSTALLED: Final = {"console/reference.py", "deploy/compose.yaml"}
VERSION: Final[str] = PROJECT["project"]["version"]
WHEEL: Final = f"license_ledger-{VERSION}-py3-none-any.whl"
SDIST: Final = f"license_ledger-{VERSION}.tar.gz"
COMMITTED_AT: Final = "1790000000"
GIT: Final = shutil.which("git") or "git"
UV: Final = Path(sys.prefix) / "bin" / "uv"
NOT_CLONED: Final = shutil.ignore_patterns(
    ".git", ".venv", ".*_cache", ".hypothesis", "__pycache__", "dist", "build", "tour",
    "license-ledger-data", "deploy-data",
)  # fmt: skip
DEMO: Final = ("demo", "--small", "--json")


def clone(folder: Path, *, touched_at: int) -> Path:
    """The sources as another clone has them: elsewhere, at another time."""
    shutil.copytree(ROOT, folder, ignore=NOT_CLONED)
    for path in folder.rglob("*"):
        os.utime(path, (touched_at, touched_at))
    return folder


def build(folder: Path, *targets: str) -> dict[str, bytes]:
    """What `make dist` builds there, by file name."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", "dist", *targets],
        cwd=folder,
        env={**os.environ, "SOURCE_DATE_EPOCH": COMMITTED_AT},
        capture_output=True,
        check=True,
    )
    return {path.name: path.read_bytes() for path in (folder / "dist").iterdir()}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return build(clone(tmp_path_factory.mktemp("one") / "ledger", touched_at=10**9))


@pytest.fixture(scope="module")
def wheel(
    built: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[zipfile.ZipFile]:
    path = tmp_path_factory.mktemp("wheel") / WHEEL
    path.write_bytes(built[WHEEL])
    with zipfile.ZipFile(path) as file:
        yield file


def test_two_clones_at_two_times_give_the_same_bytes(
    built: dict[str, bytes], tmp_path: Path
) -> None:
    assert set(built) == {WHEEL, SDIST}
    before = os.umask(0o077)
    try:
        other = clone(tmp_path / "another-name", touched_at=1_700_000_000)
        for name in ("ledger-of-somebody/keys/root.json", "deploy/.notes.swp.pyc"):
            left = other / name
            left.parent.mkdir(parents=True, exist_ok=True)
            left.write_text("lies about in a checkout")
        for path in other.rglob("*.py"):
            path.chmod(0o600)
        assert build(other) == built
    finally:
        os.umask(before)


def test_the_sdist_alone_gives_the_same_wheel(
    built: dict[str, bytes], tmp_path: Path
) -> None:
    path = tmp_path / SDIST
    path.write_bytes(built[SDIST])
    with tarfile.open(path) as file:
        file.extractall(tmp_path, filter="data")
    unpacked = tmp_path / SDIST.removesuffix(".tar.gz")
    assert build(unpacked, "-t", "wheel")[WHEEL] == built[WHEEL]
    for needed in ("Makefile", "tests/golden", "docs/errors.md", "requirements"):
        assert (unpacked / needed).exists(), needed


def test_the_wheel_holds_every_file_of_the_packages_and_nothing_else(
    wheel: zipfile.ZipFile,
) -> None:
    named = subprocess.run(
        [GIT, "ls-files", "--cached", "--others", "--exclude-standard", *PACKAGES],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if named.returncode:
        pytest.skip("not a clone: nothing says which files belong to the sources")
    expected = {name for name in named.stdout.splitlines() if (ROOT / name).exists()}
    own = f"license_ledger-{VERSION}.dist-info/"
    found = {name for name in wheel.namelist() if not name.startswith(own)}
    assert found == expected - NOT_INSTALLED
    assert {name.partition("/")[0] for name in found} == set(PACKAGES)
    assert {f"{package}/py.typed" for package in PACKAGES} <= found
    assert f"{own}licenses/LICENSE" in wheel.namelist()


def test_what_the_wheel_says_of_itself_is_whole(wheel: zipfile.ZipFile) -> None:
    text = wheel.read(f"license_ledger-{VERSION}.dist-info/METADATA").decode()
    said = Parser().parsestr(text)
    assert (said["Name"], said["Version"]) == ("license-ledger", VERSION)
    assert said["License-Expression"] == "Apache-2.0"
    assert said["Requires-Python"] == ">=3.11"
    assert "电子证照" in said["Summary"]
    assert said.get_all("Provides-Extra") == ["kafka-local"]
    assert said.get_all("Project-URL") is None
    assert said["Home-page"] is None
    assert len(said.get_all("Classifier", [])) > 10


def test_no_other_package_here_has_one_of_our_import_names() -> None:
    """They are ordinary words: what installs the same name would shadow half of us."""
    owners = metadata.packages_distributions()
    assert owners["typer"] == ["typer"]  # it knows who brought what
    others = {name: set(owners.get(name, [])) - {"license-ledger"} for name in PACKAGES}
    assert others == {name: set() for name in PACKAGES}


def test_what_it_runs_with_is_pinned_as_everything_is() -> None:
    locked, runtime = (pins(name) for name in ("locked.txt", "runtime.txt"))
    assert runtime.items() <= locked.items(), "run `make lock`"
    named = {
        requirement.partition("[")[0].partition(">")[0].partition("=")[0]
        for requirement in PROJECT["project"]["dependencies"]
    }
    assert named <= set(runtime)
    assert set(runtime).isdisjoint({"pytest", "ruff", "mypy", "hatchling", "uv"})


@pytest.mark.postgres
@pytest.mark.slow
def test_the_wheel_runs_the_demo_in_an_empty_environment(
    built: dict[str, bytes],
) -> None:
    # Not tmp_path: for root, pytest closes its folder to PostgreSQL's account.
    folder = Path(tempfile.mkdtemp(prefix="license-ledger-wheel-"))
    try:
        (folder / WHEEL).write_bytes(built[WHEEL])
        home = folder / "environment"
        venv.create(home, with_pip=False)
        install(home, "--require-hashes", "-r", str(ROOT / "requirements/runtime.txt"))
        install(home, "--no-deps", str(folder / WHEEL))
        assert run(home, folder, "--version").stdout == f"license-ledger {VERSION}\n"
        explained = run(home, folder, "explain", "disk_full").stdout
        assert explained.startswith("disk_full 磁盘已满\n")
        told = json.loads(run(home, folder, *DEMO).stdout)
        assert told["accepted"] > 0
        assert told["records"] == told["accepted"] + told["refused"]
    finally:
        shutil.rmtree(folder)


def install(home: Path, *what: str) -> None:
    """Installs as the Makefile does; from what was downloaded before, if all is there."""
    python = str(home / "bin" / "python")
    command = [str(UV), "pip", "install", "--quiet", "--python", python]
    done = subprocess.run(
        [*command, "--offline", *what], capture_output=True, check=False
    )
    if done.returncode:
        subprocess.run([*command, *what], check=True)


def run(home: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs the installed command outside the sources, with an environment of its own."""
    return subprocess.run(
        [home / "bin" / "license-ledger", *arguments],
        cwd=folder,
        env={"PATH": os.defpath, "HOME": str(folder), "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=True,
    )


def pins(name: str) -> dict[str, Sequence[str]]:
    """Package -> its line with the version, and its hashes."""
    text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    blocks = "\n".join(lines).replace(" \\\n    ", " ").splitlines()
    return {block.partition("==")[0]: block.split() for block in blocks}
