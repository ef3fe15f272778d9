"""Kafka's published jars, pinned, resolved once and kept."""

from __future__ import annotations

import fcntl
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


def cache_folder() -> Path:
    """Where the jars are kept: in the user's cache."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "license-ledger" / f"kafka-{KAFKA_VERSION}"


def resolve(folder: Path | None = None, *, repository: str | None = None) -> str:
    """The class path of Kafka's broker; downloads what is not there yet.

    ``repository``: a Maven repository other than the central one. A folder is believed
    when it was finished: whoever is interrupted leaves another one behind. Raises
    KafkaUnavailable when the jars cannot be had.
    """
    place = folder or cache_folder()
    if not place.is_dir():
        place.parent.mkdir(parents=True, exist_ok=True)
        with _alone(place.with_name(f"{place.name}.lock")):
            if not place.is_dir():
                _download(place, repository)
    jars = sorted(str(jar) for jar in place.glob("*.jar"))
    if not jars:
        raise KafkaUnavailable(f"expected Kafka's jars, found none at {place}")
    return ":".join(jars)


def _download(place: Path, repository: str | None) -> None:
    try:
        from jgo.env import EnvironmentBuilder
        from jgo.maven import MavenContext
    except ImportError as error:
        raise KafkaUnavailable(
            "expected the extra kafka-local, found no package jgo"
        ) from error
    repositories = None if repository is None else {"given": repository}
    with tempfile.TemporaryDirectory(dir=place.parent, prefix="partial-") as folder:
        work = Path(folder)
        try:
            context = MavenContext(
                repo_cache=work / "repository", remote_repos=repositories
            )
            EnvironmentBuilder(
                context=context, cache_dir=work / "environment"
            ).from_endpoint(ENDPOINT)
        except Exception as error:
            raise KafkaUnavailable(
                f"Kafka's jars cannot be had: {type(error).__name__}: {error}"
            ) from error
        finished = work / "finished"
        finished.mkdir()
        # Some lie in jars/ and some in modules/; all of them belong on the class path.
        for jar in (work / "environment").rglob("*.jar"):
            shutil.copyfile(jar, finished / jar.name)
        finished.rename(place)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
