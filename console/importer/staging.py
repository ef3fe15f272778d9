"""Rows put in order on disk, so that a file of any size needs the memory of one license.

The rows are encrypted under a key that lives in this process alone: after a crash the
file is noise, and the next import removes it.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol, Self

import msgspec

from console.importer.rejects import Reject
from console.importer.source_row import SourceRow
from ledger.encryption import KEY_SIZE, sm4_gcm_decrypt, sm4_gcm_encrypt
from ledger.errors import Unavailable, disk_code

SUFFIX: Final = ".stage"
CHAIN_ROWS_MAX: Final = 8_192
"""Rows of one license that are looked at: twice what a chain can ever hold."""

_NAME_BYTES: Final = 8
_STAGED: Final = 1
_KEPT: Final = 2
_BUNDLE: Final = 1_000
_BUNDLE_SIZE: Final = 1 << 20
_TABLES: Final = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA temp_store = FILE;
CREATE TABLE staged (
    number INTEGER PRIMARY KEY, chain BLOB NOT NULL, line INTEGER NOT NULL,
    source BLOB NOT NULL, data BLOB NOT NULL
);
CREATE TABLE reject (
    line INTEGER PRIMARY KEY, place TEXT NOT NULL, reason TEXT NOT NULL,
    expected TEXT NOT NULL
);
CREATE TABLE kept (last INTEGER PRIMARY KEY, number INTEGER NOT NULL, data BLOB NOT NULL);
"""
_SORTED: Final = """
CREATE INDEX staged_source ON staged (source, chain);
CREATE INDEX staged_chain ON staged (chain, line);
CREATE TEMP TABLE torn AS
    SELECT s.number, s.line FROM staged s
    JOIN (
        SELECT source, min(number) AS first FROM staged
        GROUP BY source HAVING min(chain) < max(chain)
    ) t ON t.source = s.source
    JOIN staged f ON f.number = t.first
    WHERE s.chain <> f.chain;
INSERT OR IGNORE INTO reject
    SELECT line, '', 'key_twice', '每个行标识只对应一本证照 / one license for each row key' FROM torn;
DELETE FROM staged WHERE number IN (SELECT number FROM torn);
"""


_REJECTS: Final = "SELECT line, place, reason, expected FROM reject ORDER BY line"
_KeptRow = tuple[int, list[str]]


class RandomBytes(Protocol):
    """Draws so many bytes."""

    def __call__(self, size: int, /) -> bytes:
        """So many random bytes."""
        ...


class Staging:
    """The rows of one import, sorted by license and line; a context manager.

    Grouped by SM3 of the license_id, rows inside a group by line. Rejects are kept here
    too, for a file of nothing but mistakes must not fill the memory either, and so are
    the cells of every row, for a row may be rejected when its file is long read. ``rows``
    is how many are staged. Without a ``folder`` the file has no name, in the system's own
    folder for such files. Raises Unavailable when the disk does not take it.
    """

    def __init__(self, folder: Path | None, random_bytes: RandomBytes) -> None:
        self._key = random_bytes(KEY_SIZE)
        self._seed = random_bytes(KEY_SIZE)
        self._pending: list[tuple[int, bytes, int, bytes, bytes]] = []
        self._kept: list[tuple[int, Sequence[str]]] = []
        self._kept_size = self._bundles = 0
        self._rejected: list[tuple[int, str, str, str]] = []
        self.rows = self._staged = 0
        self._path: Path | None = None
        try:
            if folder is not None:
                self._path = _new_file(folder, random_bytes)
            self._database = sqlite3.connect(self._path or "")
            self._database.executescript(_TABLES)
        except (OSError, sqlite3.Error) as error:
            raise _unavailable(error, folder) from error

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Closes and removes the file."""
        self._database.close()
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def add(self, row: SourceRow) -> None:
        """Stages one row, or what is known of one that is out."""
        self._staged += 1
        self.rows += bool(row.acts)
        chain = hashlib.new("sm3", row.license_id.encode()).digest()
        data = self._closed(_STAGED, self._staged, msgspec.msgpack.encode(row))
        key = f"\0{row.line}" if row.out else row.key  # no rejected row tears another
        source = hashlib.new("sm3", self._seed + key.encode()).digest()
        self._pending.append((self._staged, chain, row.line, source, data))
        if len(self._pending) >= _BUNDLE:
            self._flush()

    def keep(self, line: int, cells: Sequence[str]) -> None:
        """Keeps the cells of a row as they came, in case that it is rejected.

        In bundles: hardly any row is asked for. Lines come in ascending order.
        """
        self._kept.append((line, cells))
        self._kept_size += sum(map(len, cells))
        if len(self._kept) >= _BUNDLE or self._kept_size >= _BUNDLE_SIZE:
            self._keep_bundle()

    def reject(self, reject: Reject) -> None:
        """Keeps the first reason for which a row stays out."""
        row = (reject.line, reject.column, reject.reason, reject.expected)
        self._rejected.append(row)
        if len(self._rejected) >= _BUNDLE:
            self._flush()

    def sort(self) -> None:
        """Ends the staging; rows whose key stands under two licenses become rejects.

        The license on whose row the key stands first keeps it.
        """
        self._flush()
        try:
            self._database.executescript(_SORTED)
            (torn,) = self._database.execute("SELECT count(*) FROM torn").fetchone()
            self.rows -= torn
        except sqlite3.Error as error:
            raise _unavailable(error, self._path) from error

    def groups(self, rows_max: int) -> Iterator[list[list[SourceRow]]]:
        """The rows of whole licenses, some licenses at a time.

        As many as have ``rows_max`` rows together, at least one. What a license has above
        CHAIN_ROWS_MAX becomes rejects: no chain could take it.
        """
        bundle: list[list[SourceRow]] = []
        size = 0
        last = b""
        cursor = self._database.execute(
            "SELECT chain, line, number, data FROM staged ORDER BY chain, line"
        )
        for chain, line, number, data in cursor:
            if chain != last:
                if size >= rows_max:
                    yield bundle
                    bundle, size = [], 0
                bundle.append([])
                last = chain
            if len(bundle[-1]) >= CHAIN_ROWS_MAX:
                self.reject(
                    Reject(
                        line=line,
                        column="",
                        reason="chain_full",
                        expected=f"一本证照至多 {CHAIN_ROWS_MAX} 行 / rows of one license",
                    )
                )
                continue
            bundle[-1].append(self._open(number, data))
            size += 1
        if bundle:
            yield bundle

    def rejects(self) -> Iterator[tuple[Reject, Sequence[str]]]:
        """Every reject by line, and the cells of its row. Memory: one bundle."""
        self._flush()
        kept: dict[int, Sequence[str]] = {}
        last = -1
        for line, column, reason, expected in self._database.execute(_REJECTS):
            if line > last:
                last, kept = self._bundle_of(line)
            found = Reject(line=line, column=column, reason=reason, expected=expected)
            yield found, kept.get(line, ())

    def reasons(self) -> dict[str, int]:
        """How many rows each reason keeps out."""
        self._flush()
        return dict(
            self._database.execute("SELECT reason, count(*) FROM reject GROUP BY 1")
        )

    def _bundle_of(self, line: int) -> tuple[int, dict[int, Sequence[str]]]:
        """The bundle that would hold a line, and its last line."""
        row = self._database.execute(
            "SELECT last, number, data FROM kept WHERE last >= ? ORDER BY last LIMIT 1",
            (line,),
        ).fetchone()
        if row is None:
            return line, {}
        plain = self._opened(_KEPT, row[1], row[2])
        return row[0], dict(msgspec.msgpack.decode(plain, type=list[_KeptRow]))

    def _keep_bundle(self) -> None:
        if not self._kept:
            return
        self._bundles += 1
        data = self._closed(_KEPT, self._bundles, msgspec.msgpack.encode(self._kept))
        self._execute(
            "INSERT INTO kept VALUES (?, ?, ?)",
            [(self._kept[-1][0], self._bundles, data)],
        )
        self._kept.clear()
        self._kept_size = 0

    def _open(self, number: int, data: bytes) -> SourceRow:
        plain = self._opened(_STAGED, number, data)
        return msgspec.msgpack.decode(plain, type=SourceRow)

    def _closed(self, table: int, number: int, plain: bytes) -> bytes:
        return sm4_gcm_encrypt(
            key=self._key, nonce=_nonce(table, number), plaintext=plain, aad=b""
        )

    def _opened(self, table: int, number: int, data: bytes) -> bytes:
        return sm4_gcm_decrypt(
            key=self._key, nonce=_nonce(table, number), ciphertext=data, aad=b""
        )

    def _flush(self) -> None:
        self._keep_bundle()
        for statement, rows in (
            ("INSERT INTO staged VALUES (?, ?, ?, ?, ?)", self._pending),
            ("INSERT OR IGNORE INTO reject VALUES (?, ?, ?, ?)", self._rejected),
        ):
            if rows:
                self._execute(statement, rows)
                rows.clear()

    def _execute(self, statement: str, rows: Sequence[Sequence[object]]) -> None:
        try:
            self._database.executemany(statement, rows)
            self._database.commit()
        except sqlite3.Error as error:
            raise _unavailable(error, self._path) from error


def _new_file(folder: Path, random_bytes: RandomBytes) -> Path:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for left in folder.glob("*" + SUFFIX):
        left.unlink(missing_ok=True)
    path = folder / (random_bytes(_NAME_BYTES).hex() + SUFFIX)
    path.touch(mode=0o600, exist_ok=False)
    return path


def _nonce(table: int, number: int) -> bytes:
    """One for each row of each table: the key is the same."""
    return bytes((table,)) + number.to_bytes(11, "big")


def _unavailable(error: Exception, where: Path | None) -> Unavailable:
    full = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
    return Unavailable(
        "rows cannot be staged on disk",
        code="disk_full" if full else disk_code(error, "folder_unusable"),
        expected="a folder that can be written, with room for the file",
        found=type(error).__name__,
        where=str(where or "the folder for temporary files"),
    )
