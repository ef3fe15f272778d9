"""README.md does what it says: its blocks run in order, as one newcomer's session."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from console.embedded import EmbeddedPostgres
from deploy.kafka import LocalKafka

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
TIMEOUT_S = 300
GAP = "…"


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One fenced block, with the output that README shows beneath it."""

    language: str
    text: str
    line: int
    shown: str = ""


def blocks(markdown: str) -> Iterator[Block]:
    fence = re.compile(r"^```(\w+)\n(.*?)^```\n(?:```text\n(.*?)^```\n)?", re.M | re.S)
    for found in fence.finditer(markdown):
        yield Block(
            language=found[1],
            text=found[2],
            line=markdown.count("\n", 0, found.start()) + 1,
            shown=found[3] or "",
        )


def missing_lines(shown: str, said: str) -> list[str]:
    """Shown lines that were not said in this order; … stands for anything."""
    lines = iter(" ".join(line.split()) for line in said.splitlines())
    wanted = [" ".join(line.split()) for line in shown.splitlines()]
    return [
        want
        for want in wanted
        if not any(re.fullmatch(pattern(want), line) for line in lines)
    ]


def pattern(shown: str) -> str:
    return "(.*)".join(re.escape(part.strip()) for part in shown.split(GAP)).replace(
        "(.*)", r"\s*.*?\s*"
    )


class Session:
    """A shell whose variables and folder last from block to block."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        (folder / ".venv").symlink_to(sys.prefix)
        self._folder = folder
        self._stack = stack
        self._environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("LICENSE_LEDGER_")
        }
        self._joined = False

    def run(self, block: Block) -> str:
        if block.language == "python":
            return self._call([sys.executable, "-c", block.text], block)
        left = self._folder / ".environment"
        script = f"set -euo pipefail -o allexport\n{block.text}\nenv -0 > {left}\n"
        said = self._call(["bash", "-c", script], block)
        pairs = left.read_bytes().decode().rstrip("\0").split("\0")
        self._environment = dict(pair.split("=", 1) for pair in pairs)
        self._stay()
        return said

    def _call(self, command: list[str], block: Block) -> str:
        done = subprocess.run(
            command,
            cwd=self._folder,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        assert done.returncode == 0, f"README.md:{block.line}\n{done.stderr}"
        return done.stdout

    def _stay(self) -> None:
        """Keeps the ledger's own server up, so that not every command starts it."""
        server = self._folder / "tour" / "pg"
        if not self._joined and server.exists():
            self._stack.enter_context(EmbeddedPostgres(server))
            self._joined = True


def is_make(block: Block) -> bool:
    return all(line.startswith("make ") for line in block.text.splitlines())


def stop_brokers(folder: Path) -> None:
    """Those of a session that did not come to the line which stops them."""
    cluster = LocalKafka.found(folder / "deploy-data" / "kafka")
    if cluster is not None:
        cluster.stop()


@pytest.mark.postgres
@pytest.mark.kafka
@pytest.mark.slow
def test_readme_blocks_run_in_order_and_say_what_is_shown() -> None:
    with ExitStack() as stack:
        # Not tmp_path: for root, pytest closes its folder to PostgreSQL's account again
        # whenever another session starts.
        folder = tempfile.mkdtemp(prefix="license-ledger-readme-")
        stack.callback(shutil.rmtree, folder)
        stack.callback(stop_brokers, Path(folder))
        session = Session(Path(folder), stack)
        for block in blocks(README):
            if block.language in ("sh", "python") and not is_make(block):
                said = session.run(block)
                missing = missing_lines(block.shown, said)
                assert not missing, f"README.md:{block.line}\n{said}"


def test_every_block_is_of_a_kind_that_is_tested() -> None:
    assert {block.language for block in blocks(README)} == {"sh", "python"}


def test_make_targets_in_readme_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    lines = re.findall(r"^([a-z -]+):", makefile, re.M)
    targets = {target for line in lines for target in line.split()}
    named = set(re.findall(r"^make ([a-z-]+)|`make ([a-z-]+)`", README, re.M))
    assert {first or second for first, second in named} <= targets


def test_links_in_readme_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_shown_output_is_compared_line_by_line() -> None:
    said = "founded x in /tmp\nkey 12\n"
    assert missing_lines("founded x in …\nkey …", said) == []
    assert missing_lines("key …\nfounded …", said) == ["founded …"]
    assert missing_lines("key", said) == ["key"]
