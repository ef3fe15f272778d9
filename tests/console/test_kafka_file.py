"""``kafka.toml``: what is written is read again, and what is wrong is named."""

from __future__ import annotations

from pathlib import Path

import certifi
import pytest

from console.kafka_file import read_kafka_file, read_security_file, write_kafka_file
from console.settings import settings_of
from ledger.errors import Malformed
from ledger.log.kafka_settings import KafkaPlace, KafkaSecurity

PLACE = KafkaPlace(
    bootstrap=("127.0.0.1:9092", "kafka-2:9093"), prefix="a.b-c_d", single_broker=True
)


def kafka_file(folder: Path, text: str) -> Path:
    path = folder / "kafka.toml"
    path.write_text(text, encoding="utf-8")
    return path


def secured(folder: Path) -> Path:
    (folder / "ca.pem").write_bytes(Path(certifi.where()).read_bytes())
    (folder / "secret").write_text("hunter2\nmore\n", encoding="ascii")
    path = folder / "security.toml"
    path.write_text(
        'protocol = "SASL_SSL"\nca_file = "ca.pem"\nusername = "sealer"\n'
        'password_file = "secret"\n',
        encoding="ascii",
    )
    return path


def test_place_comes_back_as_it_was_written(tmp_path: Path) -> None:
    write_kafka_file(tmp_path / "kafka.toml", PLACE)
    assert read_kafka_file(tmp_path / "kafka.toml") == PLACE


def test_every_command_finds_the_brokers_in_the_directory(tmp_path: Path) -> None:
    assert settings_of(tmp_path, environment={}).kafka is None
    write_kafka_file(tmp_path / "kafka.toml", PLACE)
    assert settings_of(tmp_path, environment={}).kafka == PLACE


def test_security_is_found_again_from_another_folder(tmp_path: Path) -> None:
    apart, own = tmp_path / "apart", tmp_path / "own"
    apart.mkdir()
    own.mkdir()
    security = read_security_file(secured(apart))
    assert security == KafkaSecurity(
        protocol="SASL_SSL",
        ca_file=str(apart / "ca.pem"),
        username="sealer",
        password="hunter2",  # noqa: S106 - the password of this test
    )
    place = KafkaPlace(bootstrap=("a:1",), prefix="x", security=security)
    write_kafka_file(own / "kafka.toml", place, security_file=apart / "security.toml")
    assert read_kafka_file(own / "kafka.toml") == place


def test_password_stands_neither_in_the_file_nor_in_a_representation(
    tmp_path: Path,
) -> None:
    given = secured(tmp_path)
    place = KafkaPlace(
        bootstrap=("a:1",), prefix="x", security=read_security_file(given)
    )
    write_kafka_file(tmp_path / "kafka.toml", place, security_file=given)
    assert "hunter2" not in (tmp_path / "kafka.toml").read_text(encoding="utf-8")
    assert "hunter2" not in repr(place)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", r"\[kafka\]"),
        ("[kafka]\nprefix = 'x'", '"bootstrap"'),
        ("[kafka]\nbootstrap = 'a:1'\nprefix = 'x'", '"bootstrap"'),
        ("[kafka]\nbootstrap = []\nprefix = 'x'", "HOST:PORT"),
        ("[kafka]\nbootstrap = ['nowhere']\nprefix = 'x'", "HOST:PORT"),
        ("[kafka]\nbootstrap = ['a:1']", "prefix"),
        ("[kafka]\nbootstrap = ['a:1']\nprefix = 'a b'", "prefix"),
        ("[kafka]\nbootstrap = ['a:1']\nprefix = 3", '"prefix"'),
        (
            "[kafka]\nbootstrap=['a:1']\nprefix='x'\nsingle_broker='yes'",
            "true or false",
        ),
        ("[kafka]\nbootstrap=['a:1']\nprefix='x'\nreplicas=2", "replicas"),
        ("[kafka]\nbootstrap=['a:1']\nprefix='x'\nsecurity='TLS'", "table"),
        (
            "[kafka]\nbootstrap=['a:1']\nprefix='x'\n[kafka.security]\nprotocol='TLS'",
            "SASL_SSL",
        ),
        (
            "[kafka]\nbootstrap=['a:1']\nprefix='x'\n"
            "[kafka.security]\nprotocol='SASL_SSL'",
            "username",
        ),
        (
            "[kafka]\nbootstrap=['a:1']\nprefix='x'\n"
            "[kafka.security]\nprotocol='SSL'\nca_file='gone.pem'",
            "gone.pem",
        ),
        (
            "[kafka]\nbootstrap=['a:1']\nprefix='x'\n"
            "[kafka.security]\npassword='hunter2'",
            "password_file",
        ),
        ("[kafka", "TOML"),
        ("\udcff", "TOML"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, named: str) -> None:
    path = tmp_path / "kafka.toml"
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(Malformed, match=named) as caught:
        read_kafka_file(path)
    assert "hunter2" not in str(caught.value)
