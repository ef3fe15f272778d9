"""Kafka's published jars, pinned by version and by hash, downloaded once and kept."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from deploy.kafka.trouble import KafkaUnavailable

KAFKA_VERSION: Final = "4.3.1"
ENDPOINT: Final = (
    f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}+org.slf4j:slf4j-simple:1.7.36"
)
_PINNED: Final = Path(__file__).with_name("jars.sha256")  # as sha256sum writes it


def cache_folder() -> Path:
    """Where the jars are kept: in the user's cache."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "license-ledger" / f"kafka-{KAFKA_VERSION}"


def resolve(folder: Path | None = None, *, repository: str | None = None) -> str:
    """The class path of Kafka's broker; downloads what is not there yet.

    ``repository``: the URL of a Maven repository other than the central one. A folder
    is believed when every jar in it has its pinned hash, whoever filled it; else it is
    filled again, by one process at a time. Raises KafkaUnavailable.
    """
    place = folder or cache_folder()
    pinned = _pinned()
    if _wrong(place, pinned) is not None:
        place.parent.mkdir(parents=True, exist_ok=True)
        with _alone(place.with_name(f"{place.name}.lock")):
            if _wrong(place, pinned) is not None:
                _download(place, pinned, repository)
    return ":".join(str(place / name) for name in pinned)


def _pinned() -> dict[str, str]:
    lines = _PINNED.read_text(encoding="ascii").splitlines()
    return {name: digest for digest, name in (line.split() for line in lines)}


def _wrong(place: Path, pinned: dict[str, str]) -> str | None:
    """The first jar that is not what was pinned, None when all are."""
    for name, expected in pinned.items():
        try:
            with (place / name).open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            found = "nothing"
        if found != expected:
            return f"expected {name} with SHA-256 {expected}, found {found}"
    return None


def _download(place: Path, pinned: dict[str, str], repository: str | None) -> None:
    for left in place.parent.glob(f"{place.name}.partial-*"):
        shutil.rmtree(left)  # by one who was killed: we alone hold the lock
    with tempfile.TemporaryDirectory(
        dir=place.parent, prefix=f"{place.name}.partial-"
    ) as folder:
        fetched, finished = Path(folder) / "fetched", Path(folder) / "finished"
        _fetch(fetched, repository)
        finished.mkdir()
        # Some lie in jars/ and some in modules/; all of them belong on the class path.
        for jar in (fetched / "environment").rglob("*.jar"):
            shutil.copyfile(jar, finished / jar.name)
        wrong = _wrong(finished, pinned)
        if wrong is not None:
            raise KafkaUnavailable(f"Kafka's jars are not the pinned ones: {wrong}")
        shutil.rmtree(place, ignore_errors=True)
        finished.rename(place)


def _fetch(folder: Path, repository: str | None) -> None:
    try:
        from jgo.env import EnvironmentBuilder
        from jgo.maven import MavenContext
    except ImportError as error:
        raise KafkaUnavailable(
            "expected the extra kafka-local, found no package jgo"
        ) from error
    repositories = None if repository is None else {"given": repository}
    try:
        context = MavenContext(
            repo_cache=folder / "repository", remote_repos=repositories
        )
        EnvironmentBuilder(
            context=context, cache_dir=folder / "environment"
        ).from_endpoint(ENDPOINT)
    except Exception as error:
        raise KafkaUnavailable(
            f"expected Kafka's jars {ENDPOINT}, found {type(error).__name__}: {error}"
        ) from error


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
