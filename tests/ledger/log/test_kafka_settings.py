"""Where a ledger lies on Kafka, and the files that open it."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from ledger.errors import Malformed
from ledger.log.kafka_settings import KafkaPlace, KafkaSecurity, Partition
from tests.kafka_security import Authority


@pytest.mark.parametrize(
    ("topic", "number", "source"),
    [
        ("a.events", 7, "events-7"),
        ("a.events-7.1", 0, "events-7.1"),
        ("a.events-7.1", 1, None),
        ("a.registry", 0, "registry"),
        ("a.registry.1", 0, "registry.1"),
        ("a.seals", 0, "seals"),
        ("a.clock", 0, None),
        ("a.b.registry", 0, None),
        ("a.b.events", 0, None),
        ("b.registry", 0, None),
    ],
)
def test_topics_of_another_ledger_are_not_taken_for_sources(
    topic: str, number: int, source: str | None
) -> None:
    place = KafkaPlace(bootstrap=("127.0.0.1:9092",), prefix="a")
    partition = Partition(topic, number)
    assert place.source_of(partition) == source
    if source is not None:
        assert place.partition_of(source) == partition


@pytest.mark.parametrize(
    ("given", "where"),
    [
        ({"ca_file": "missing.pem"}, "ca_file"),
        ({"ca_file": "text.pem"}, "ca_file"),
        ({"certificate_file": "text.pem"}, "certificate_file"),
    ],
)
def test_files_that_are_no_certificates_are_named(
    given: dict[str, str], where: str, tmp_path: Path
) -> None:
    (tmp_path / "text.pem").write_text("nothing of the kind", encoding="utf-8")
    files = {name: str(tmp_path / file) for name, file in given.items()}
    with pytest.raises(Malformed) as raised:
        KafkaSecurity(protocol="SSL", **files).options()  # type: ignore[arg-type]
    assert where in raised.value.where


def test_key_with_a_password_is_refused_and_nobody_is_asked(tmp_path: Path) -> None:
    path = Authority(tmp_path, "authority").issue("machine")
    key = serialization.load_pem_private_key(path.read_bytes(), None)
    locked = tmp_path / "locked.pem"
    locked.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    security = KafkaSecurity(
        protocol="SSL", certificate_file=str(path), key_file=str(locked)
    )
    with pytest.raises(Malformed, match="without a password"):
        security.options()
