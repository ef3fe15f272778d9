"""Folders that stay passable while others run tests."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def own_folder() -> Iterator[Path]:
    """A temporary folder that is not pytest's own.

    Every new session of pytest closes the parent of those again, and as root that shuts
    the running PostgreSQL's account out.
    """
    path = Path(tempfile.mkdtemp(prefix="license-ledger-test-"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
