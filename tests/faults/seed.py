"""The seed of a fault run: every moment and every victim is drawn from it."""

from __future__ import annotations

import os
import random

VARIABLE = "LICENSE_LEDGER_SEED"


def drawn() -> int:
    """The seed that the environment names, or a fresh one, told to processes to come."""
    seed = int(os.environ.get(VARIABLE) or random.SystemRandom().randrange(10**6))
    os.environ[VARIABLE] = str(seed)
    return seed


SEED = drawn()


def chance(name: str) -> random.Random:
    """Chance of its own for a test, whatever other tests ran before it."""
    return random.Random(f"{SEED}/{name}")
