"""Where settings come from: options first, then the environment, then defaults.

The one module that reads the environment. A setting that is not given is None.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from console.kafka_file import read_kafka_file
from console.secret_file import first_line
from ledger.errors import Malformed
from ledger.log.kafka_settings import KafkaPlace

DIR_VARIABLE = "LICENSE_LEDGER_DIR"
DSN_VARIABLE = "LICENSE_LEDGER_DSN"
PASSPHRASE_VARIABLE = "LICENSE_LEDGER_PASSPHRASE"  # noqa: S105 - the variable's name
DEFAULT_DIR = Path("license-ledger-data")
KAFKA_FILE = "kafka.toml"
PASSPHRASE_FILE = "passphrase"  # noqa: S105 - the file's name


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One ledger's place: its directory, and a PostgreSQL other than the embedded.

    ``kafka``: where the log lies when it is not in that PostgreSQL. ``passphrase`` opens the key files; None means that the directory's own passphrase
    file is used, which ``status`` warns about.
    """

    directory: Path
    dsn: str | None = None
    kafka: KafkaPlace | None = None
    passphrase: bytes | None = None

    @property
    def keys(self) -> Path:
        """The folder of key files, mode 0700."""
        return self.directory / "keys"

    @property
    def embedded(self) -> Path:
        """The embedded PostgreSQL's folder."""
        return self.directory / "pg"

    @property
    def journal(self) -> Path:
        """The checkpoint journal, beside the database."""
        return self.directory / "checkpoints"

    @property
    def kafka_file(self) -> Path:
        """Names the brokers of a ledger whose log is Kafka."""
        return self.directory / KAFKA_FILE

    @property
    def archive(self) -> Path:
        """The archive segments of a ledger whose log is Kafka."""
        return self.directory / "archive"

    @property
    def rejects(self) -> Path:
        """Where imports leave what they rejected."""
        return self.directory / "rejects"

    @property
    def own_passphrase(self) -> Path:
        """The passphrase file that ``init`` writes when it is given none."""
        return self.directory / PASSPHRASE_FILE


def settings_of(
    directory: Path | None = None,
    dsn: str | None = None,
    passphrase_file: Path | None = None,
    *,
    environment: Mapping[str, str] | None = None,
) -> Settings:
    """Settings from options and environment; raises Malformed on an unreadable file."""
    env = os.environ if environment is None else environment
    place = (directory or Path(env.get(DIR_VARIABLE) or DEFAULT_DIR)).absolute()
    kafka = place / KAFKA_FILE
    return Settings(
        directory=place,
        kafka=read_kafka_file(kafka) if kafka.exists() else None,
        dsn=dsn or env.get(DSN_VARIABLE) or None,
        passphrase=_passphrase(passphrase_file, env),
    )


def names_ledger(
    directory: Path | None,
    dsn: str | None,
    *,
    environment: Mapping[str, str] | None = None,
) -> bool:
    """Whether options or environment say which ledger is meant."""
    env = os.environ if environment is None else environment
    return bool(directory or dsn or env.get(DIR_VARIABLE) or env.get(DSN_VARIABLE))


def source_dsn(
    variable: str,
    file: Path | None,
    *,
    environment: Mapping[str, str] | None = None,
) -> str:
    """The address of a database to poll, from a variable or, if given, a file.

    Raises Malformed when there is none, and for a file that others may read: the address
    may hold a password.
    """
    if file is None:
        env = os.environ if environment is None else environment
        given = env.get(variable)
        if not given:
            raise Malformed(
                "the database's address is not given",
                code="source_database",
                expected=f"the environment variable {variable}",
                where="database: dsn_variable",
            )
        return given
    if file.exists() and file.stat().st_mode & 0o077:
        raise Malformed(
            "others may read the file with the database's address",
            code="source_database",
            expected=f"chmod 600 {file}",
            where="database: dsn_file",
        )
    return first_line(file, what="the file with the database's address").decode()


def _passphrase(file: Path | None, env: Mapping[str, str]) -> bytes | None:
    if file is not None:
        return first_line(file, what="the passphrase file")
    given = env.get(PASSPHRASE_VARIABLE)
    return given.encode() if given else None
