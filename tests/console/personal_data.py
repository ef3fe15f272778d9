"""Invented citizens, and the search for what is theirs in every form it could take."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from ledger.identifiers import citizen_id_check

_DIGESTS = ("sm3", "sha256", "md5")


@dataclass(frozen=True, slots=True, kw_only=True)
class Citizen:
    """Somebody who does not exist, with a number that could be somebody's.

    Names of four characters: the shorter a needle, the more often chance writes it.
    """

    name: str
    sex: str
    born: str
    street: str
    phone: str
    sequence: str

    @property
    def _number(self) -> str:
        return f"210102{self.born.replace('-', '')}{self.sequence}"

    @property
    def id_no(self) -> str:
        return self._number + citizen_id_check(self._number)

    @property
    def wrong_id(self) -> str:
        """The number with another check character."""
        return self._number + ("1" if self.id_no[-1] != "1" else "2")

    @property
    def address(self) -> str:
        return "辽宁省沈阳市和平区" + self.street

    @property
    def needles(self) -> dict[str, bytes]:
        """Form -> bytes of all that nobody may find.

        Of an address and a number what masks hide, and numbers without their check
        character, for a wrong one is as good.
        """
        found = dict(forms(f"number of {self.name}", self._number))
        for text in (self.name, self.street, self.phone):
            found |= forms(text, text)
        for number in (self.id_no, self.wrong_id, f"111{self.id_no}"):
            for algorithm in _DIGESTS:
                digest = hashlib.new(algorithm, number.encode()).digest()
                found |= byte_forms(f"{algorithm} of {number}", digest)
        return found


_PEOPLE = (
    ("欧阳思远", "男", "1987-03-12", "望湖巷八十八号三单元", "13904071123", "981"),
    ("司马雨涵", "女", "1991-07-25", "松花里十七号东侧二楼", "13804072234", "982"),
    ("诸葛海燕", "女", "1979-01-04", "青石弄四十一号后院", "13704073345", "984"),
    ("上官立群", "男", "1968-11-19", "槐荫胡同九号西厢房", "13604074456", "983"),
    ("东方静怡", "女", "2002-02-28", "银杏坊六十二号四零一", "13504075567", "986"),
    ("慕容国栋", "男", "1955-08-16", "白桦甸三十五号平房", "13304076678", "985"),
)
CITIZENS = tuple(
    Citizen(name=n, sex=s, born=b, street=t, phone=p, sequence=q)
    for n, s, b, t, p, q in _PEOPLE
)


def forms(what: str, text: str) -> dict[str, bytes]:
    """How a text could stand in a file: encoded, escaped, in hex, in base64."""
    found = {
        f"{what}, utf-16-le": text.encode("utf-16-le"),
        f"{what}, utf-16-be": text.encode("utf-16-be"),
        f"{what}, gb18030": text.encode("gb18030"),
        f"{what}, json": json.dumps(text)[1:-1].encode(),
    }
    return found | byte_forms(what, text.encode())


def byte_forms(what: str, raw: bytes) -> dict[str, bytes]:
    """How bytes could stand in a file."""
    found = {
        what: raw,
        f"{what}, hex": raw.hex().encode(),
        f"{what}, HEX": raw.hex().upper().encode(),
    }
    for before in range(3):
        text = base64.b64encode(bytes(before) + raw)
        # The first characters and the last depend on what stands beside.
        inner = text[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6]
        found[f"{what}, base64 behind {before}"] = inner
        urlsafe = inner.replace(b"+", b"-").replace(b"/", b"_")
        if urlsafe != inner:
            found[f"{what}, base64url behind {before}"] = urlsafe
    return found


def found_in(
    needles: Mapping[str, bytes], haystacks: Iterable[tuple[str, bytes]]
) -> set[tuple[str, str]]:
    """Form and place of every needle that stands somewhere."""
    seen: dict[bytes, str] = {}
    for place, data in haystacks:
        # Long runs of zeros hold nothing; template databases are copies of each other.
        seen.setdefault(re.sub(rb"\0{64,}", bytes(64), data), place)
    return {
        (form, place)
        for data, place in seen.items()
        for form, needle in needles.items()
        if needle in data
    }


def files(directory: Path) -> Iterator[tuple[str, bytes]]:
    """Every file below a directory, whatever it is, and its name."""
    for path in sorted(directory.rglob("*")):
        # A running server removes files while we look.
        with suppress(FileNotFoundError):
            if path.is_file() and not path.is_symlink():
                yield str(path.relative_to(directory)), path.read_bytes()


def tables(dsn: str) -> Iterator[tuple[str, bytes]]:
    """Every table, large ones uncompressed, and what ANALYZE kept of their values."""
    query = (
        "SELECT schemaname, tablename FROM pg_tables "
        "WHERE schemaname <> 'information_schema' AND schemaname <> 'pg_catalog'"
    )
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("ANALYZE")
        named = [sql.Identifier(*row) for row in connection.execute(query)]
        for table in (*named, sql.Identifier("pg_catalog", "pg_statistic")):
            statement = sql.SQL("COPY (SELECT t::text FROM {} t) TO STDOUT")
            with connection.cursor().copy(statement.format(table)) as copy:
                yield table.as_string(connection), b"".join(map(bytes, copy))
