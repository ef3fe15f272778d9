"""``kafka.toml`` in a ledger's directory: where its log lies when that is Kafka.

[kafka]
bootstrap = ["kafka-1:9092", "kafka-2:9092", "kafka-3:9092"]
prefix = "province.example"       # topics are <prefix>.registry, <prefix>.events …
single_broker = false             # true: one replica, for trying it out

[kafka.security]                  # left out: PLAINTEXT
protocol = "SASL_SSL"
ca_file = "ca.pem"                # files are looked for beside this one
mechanism = "SCRAM-SHA-512"
username = "sealer"
password_file = "kafka-password"  # first line; the password itself stands nowhere
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Final, get_args

from console.secret_file import first_line
from ledger.errors import Malformed
from ledger.log.kafka_settings import KafkaPlace, KafkaSecurity, Mechanism, Protocol

SINGLE_BROKER: Final = (
    "the log lies on one Kafka broker (single_broker): one broken disk loses it"
)
_PLACE: Final = {"bootstrap", "prefix", "single_broker", "security"}
_FILES: Final = ("ca_file", "certificate_file", "key_file")
_SECURITY: Final = {"protocol", "mechanism", "username", "password_file", *_FILES}


def read_kafka_file(path: Path) -> KafkaPlace:
    """The place that a file names; raises Malformed naming what is wrong in it."""
    given = _table(_parsed(path), "kafka", path)
    _check_keys(given, _PLACE, "[kafka]", path)
    bootstrap = given.get("bootstrap")
    if not isinstance(bootstrap, list) or not all(
        isinstance(one, str) for one in bootstrap
    ):
        raise _wrong('"bootstrap"', '["HOST:PORT", …]', path)
    single = given.get("single_broker", False)
    if not isinstance(single, bool):
        raise _wrong('"single_broker"', "true or false", path)
    return KafkaPlace(
        bootstrap=tuple(bootstrap),
        prefix=_text(given, "prefix", path) or "",
        single_broker=single,
        security=_security(given.get("security", {}), path),
    )


def read_security_file(path: Path) -> KafkaSecurity:
    """The keys of [kafka.security] from a file of their own, for ``init``."""
    return _security(_parsed(path), path)


def write_kafka_file(
    path: Path, place: KafkaPlace, *, security_file: Path | None = None
) -> None:
    """Writes the file anew; ``security_file`` is where the place's security stands."""
    lines = [
        "# Where this ledger's log lies; every command reads it.",
        "[kafka]",
        f"bootstrap = [{', '.join(map(_quoted, place.bootstrap))}]",
        f"prefix = {_quoted(place.prefix)}",
        f"single_broker = {'true' if place.single_broker else 'false'}",
    ]
    if security_file is not None:
        given = _parsed(security_file)
        for name in (*_FILES, "password_file"):
            if name in given:  # found beside the file it came from, whatever happens
                given[name] = str((security_file.parent / given[name]).resolve())
        lines += ["", "[kafka.security]"]
        lines += [f"{name} = {_quoted(value)}" for name, value in given.items()]
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")


def _security(given: Any, path: Path) -> KafkaSecurity:
    if not isinstance(given, dict):
        raise _wrong("[kafka.security]", "a table", path)
    _check_keys(given, _SECURITY, "[kafka.security]", path)
    protocol = given.get("protocol", "PLAINTEXT")
    if protocol not in get_args(Protocol):
        raise _wrong('"protocol"', " or ".join(get_args(Protocol)), path)
    mechanism = given.get("mechanism", "SCRAM-SHA-512")
    if mechanism not in get_args(Mechanism):
        raise _wrong('"mechanism"', " or ".join(get_args(Mechanism)), path)
    files = {
        name: None
        if (named := _text(given, name, path)) is None
        else _existing(path.parent / named)
        for name in _FILES
    }
    password = _text(given, "password_file", path)
    security = KafkaSecurity(
        protocol=protocol,
        mechanism=mechanism,
        username=_text(given, "username", path),
        password=None
        if password is None
        else first_line(path.parent / password, what="Kafka's password file").decode(),
        **files,
    )
    security.options()  # names what is missing
    return security


def _existing(path: Path) -> str:
    if not path.is_file():
        raise Malformed("no such file", code="file_unreadable", where=str(path))
    return str(path)


def _parsed(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Malformed(
            "the file cannot be read",
            code="file_unreadable",
            found=error.strerror or "",
            where=str(path),
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Malformed(
            "the file is not TOML",
            code="file_format",
            found=str(error),
            where=str(path),
        ) from error


def _table(given: dict[str, Any], name: str, path: Path) -> dict[str, Any]:
    found = given.get(name)
    if not isinstance(found, dict):
        raise _wrong(f"[{name}]", "a table", path)
    return found


def _text(given: dict[str, Any], name: str, path: Path) -> str | None:
    found = given.get(name)
    if found is not None and not isinstance(found, str):
        raise _wrong(f'"{name}"', "a text", path)
    return found


def _check_keys(given: dict[str, Any], known: set[str], where: str, path: Path) -> None:
    for name in given:
        if name not in known:
            raise Malformed(
                "unknown setting",
                code="bad_kafka_settings",
                expected=", ".join(sorted(known)),
                found=name,
                where=f"{path}, {where}",
            )


def _wrong(what: str, expected: str, path: Path) -> Malformed:
    return Malformed(
        f"{what} is wrong or missing",
        code="bad_kafka_settings",
        expected=expected,
        where=str(path),
    )


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
