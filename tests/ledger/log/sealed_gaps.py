"""Gaps as a head knows them: complete up to what is sealed."""

from __future__ import annotations

from collections.abc import Mapping

from typing_extensions import override

from ledger.log.offset_gaps import Gap, MemoryGaps


class SealedGaps(MemoryGaps):
    """Gaps that are all known up to an ordinal."""

    def __init__(
        self, known: Mapping[str, int], gaps: MemoryGaps | None = None
    ) -> None:
        super().__init__()
        self._known = known
        if gaps is not None:
            self._gaps = gaps._gaps

    @override
    def known(self, source: str) -> tuple[int, list[Gap]]:
        return self._known.get(source, 0), list(super().known(source)[1])
