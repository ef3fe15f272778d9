"""What stands in the way of starting a Kafka here."""

from __future__ import annotations


class KafkaUnavailable(Exception):  # noqa: N818 - says what is, as the ledger's errors do
    """No Kafka can be had on this machine now; the text says what was missing."""
