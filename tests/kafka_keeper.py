"""Keeps brokers for one test run: starts them, says where, ends them with the run.

``python -m tests.kafka_keeper FOLDER SIZE``. The run holds the pipe FOLDER/alive open
and the kernel closes it however the run ends, kill -9 included. The brokers end with
this process, however that ends.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from deploy.kafka import KafkaUnavailable, LocalKafka

ALIVE = "alive"
UNAVAILABLE = "unavailable: "


def main(folder: Path, size: int) -> None:
    if os.fork():
        return  # whoever asked may end before the brokers do, and waits for no child
    (folder / f"{size}.pid").write_text(str(os.getpid()))
    kafka = LocalKafka(folder / str(size), nodes=size)
    try:
        kafka.up()
        _say(kafka.bootstrap)
        _wait_until_the_run_is_over(folder / ALIVE)
    except KafkaUnavailable as error:
        _say(UNAVAILABLE + " ".join(str(error).split()))
        return
    finally:
        kafka.down()
        shutil.rmtree(kafka.folder, ignore_errors=True)
    # The run may have been killed: then the last of its keepers tidies up.
    if not any(one.is_dir() for one in folder.glob("*")):
        shutil.rmtree(folder, ignore_errors=True)


def _say(line: str) -> None:
    os.write(1, f"{line}\n".encode())
    os.close(1)


def _wait_until_the_run_is_over(alive: Path) -> None:
    # Opened without waiting: a run that is over already would never open its end.
    pipe = os.open(alive, os.O_RDONLY | os.O_NONBLOCK)
    os.set_blocking(pipe, True)
    while os.read(pipe, 1):
        pass


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
