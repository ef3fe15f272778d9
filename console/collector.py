"""How often this program looks for garbage in cycles: rarely, because it makes none.

A batch holds up to two million small objects at once, all freed by counting; going
through them for cycles cost a fifth of the time of a projection and more of a rebuild.
"""

from __future__ import annotations

import gc

_RARELY = (2_000_000, 20, 1_000)


def collect_rarely() -> None:
    """Sets the collector's thresholds for the rest of this process; called once."""
    gc.freeze()
    gc.set_threshold(*_RARELY)
