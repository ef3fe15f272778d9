"""Which encoding a text file is in: UTF-8 or GB18030, proved line by line, never guessed.

Nearly every line of Chinese in GB18030 is wrong as UTF-8, and one in UTF-8 is often right
as GB18030: so UTF-8 is asked first, and a file that is partly the one and partly the other
is neither.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from ledger.errors import Malformed

AUTO: Final = "auto"
UTF_8: Final = "utf-8"
GB18030: Final = "gb18030"
ENCODINGS: Final = (AUTO, UTF_8, GB18030)
BOM: Final = b"\xef\xbb\xbf"

_WIDE: Final = re.compile(rb"[\xe0-\xff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mistake:
    """The first byte of a file that its encoding does not have."""

    line: int
    byte: int
    value: int

    @property
    def found(self) -> str:
        return f"0x{self.value:02x}, byte {self.byte} of line {self.line}"


class Decoding:
    """What the lines of one file say of its encoding; memory: two mistakes."""

    def __init__(self) -> None:
        self._lines = 0
        self._bom = False
        self._utf8 = self._wide = self._not_utf8 = 0
        self._mistakes: dict[str, _Mistake] = {}

    def look(self, lines: Iterable[bytes]) -> Decoding:
        """Takes in every line, from the first on; returns itself."""
        for line in lines:
            self._lines += 1
            if self._lines == 1 and line.startswith(BOM):
                self._bom = True
                line = line[len(BOM) :]
            if not line.isascii():
                self._judge(line)
        return self

    def encoding(self, named: str, *, where: str) -> str:
        """The encoding to decode with; raises Malformed when there is no sure one.

        ``named`` by the mapping; a byte order mark is UTF-8's whatever is named.
        """
        wrong = self._mistakes
        if self._bom or named == UTF_8:
            if UTF_8 in wrong:
                raise _not(UTF_8, wrong[UTF_8], where)
            return UTF_8
        if named == GB18030:
            if self._wide and not self._not_utf8:
                raise Malformed(
                    "the mapping says GB18030, and the file is UTF-8",
                    code="file_encoding",
                    expected='encoding = "utf-8"',
                    where=where,
                )
            if GB18030 in wrong:
                raise _not(GB18030, wrong[GB18030], where)
            return GB18030
        return self._found(where)

    def _judge(self, line: bytes) -> None:
        if self._decodes(line, UTF_8):
            self._utf8 += 1
            self._wide += bool(_WIDE.search(line))
        else:
            self._not_utf8 += 1
        if GB18030 not in self._mistakes:
            self._decodes(line, GB18030)

    def _decodes(self, line: bytes, encoding: str) -> bool:
        try:
            line.decode(encoding)
        except UnicodeDecodeError as error:
            self._mistakes.setdefault(
                encoding,
                _Mistake(
                    line=self._lines, byte=error.start + 1, value=line[error.start]
                ),
            )
            return False
        return True

    def _found(self, where: str) -> str:
        if not self._not_utf8:
            if self._utf8 and not self._wide and GB18030 not in self._mistakes:
                raise Malformed(
                    "the few characters that are not ASCII may be UTF-8 or GB18030",
                    code="file_encoding",
                    expected='encoding = "utf-8" or "gb18030" in the mapping',
                    where=where,
                )
            return UTF_8
        if GB18030 in self._mistakes or self._utf8 >= self._not_utf8:
            found = [f"not {n.upper()}: {m.found}" for n, m in self._mistakes.items()]
            raise Malformed(
                "the file is neither UTF-8 nor GB18030",
                code="file_encoding",
                expected="one encoding from the first line to the last",
                found="; ".join(found),
                where=where,
            )
        return GB18030


def _not(encoding: str, mistake: _Mistake, where: str) -> Malformed:
    return Malformed(
        f"the file is not {encoding.upper()} throughout",
        code="file_encoding",
        expected="the encoding that the mapping or the byte order mark says",
        found=mistake.found,
        where=where,
    )
