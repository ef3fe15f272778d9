"""Brokers that speak TLS, know their users and let each do only its own work."""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from kafka.admin import (
    ACL,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    KafkaAdminClient,
    ResourcePattern,
    ResourceType,
    UserScramCredentialUpsertion,
)

from deploy.kafka.acls import ROLES
from deploy.kafka.ports import free_ports
from ledger.log.kafka_settings import KafkaPlace, KafkaSecurity, Mechanism
from tests.fix_kafka import own_kafka

ADMIN: Final = "admin"
MACHINE: Final = "machine"
_LOGIN: Final = "org.apache.kafka.common.security.scram.ScramLoginModule"
_OPERATIONS: Final = {
    one.name.replace("_", "").lower(): one for one in ACLOperation if one > 1
}


def password_of(user: str) -> str:
    return f"only-{user}-knows"


class Authority:
    """Signs certificates; its own lies at ``path``."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named(name)
        self._certificate = self._signed(
            self._name,
            self._key.public_key(),
            x509.BasicConstraints(ca=True, path_length=0),
        )
        self.path = folder / f"{name}.pem"
        self.path.write_bytes(_pem(self._certificate))

    def issue(self, name: str, *, addresses: Sequence[str] = ()) -> Path:
        """A file with a new key and its certificate; ``addresses``: of a server."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = [x509.IPAddress(ipaddress.ip_address(one)) for one in addresses]
        extensions: list[x509.ExtensionType] = [
            x509.BasicConstraints(ca=False, path_length=None)
        ]
        if names:
            extensions.append(x509.SubjectAlternativeName(names))
        certificate = self._signed(_named(name), key.public_key(), *extensions)
        path = self._folder / f"{name}.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        path.write_bytes(private + _pem(certificate))
        return path

    def _signed(
        self,
        name: x509.Name,
        key: ec.EllipticCurvePublicKey,
        *extensions: x509.ExtensionType,
    ) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
        )
        for extension in extensions:
            builder = builder.add_extension(
                extension, critical=isinstance(extension, x509.BasicConstraints)
            )
        return builder.sign(self._key, hashes.SHA256())


@dataclass(frozen=True, slots=True, kw_only=True)
class Secured:
    """A broker with two listeners: TLS and SCRAM, and TLS with client certificates."""

    port: int
    machine_port: int
    ca_file: Path
    machine_file: Path

    def place(
        self, prefix: str, security: KafkaSecurity, *, host: str = "127.0.0.1"
    ) -> KafkaPlace:
        port = self.machine_port if security.protocol == "SSL" else self.port
        return KafkaPlace(
            bootstrap=(f"{host}:{port}",),
            prefix=prefix,
            single_broker=True,
            security=security,
        )

    def user(
        self, name: str, prefix: str, *, mechanism: Mechanism = "SCRAM-SHA-512"
    ) -> KafkaPlace:
        return self.place(prefix, self.security(name, mechanism=mechanism))

    def security(self, name: str, **given: Any) -> KafkaSecurity:
        settings: dict[str, Any] = {
            "protocol": "SASL_SSL",
            "ca_file": str(self.ca_file),
            "username": name,
            "password": password_of(name),
        }
        return KafkaSecurity(**{**settings, **given})

    @contextmanager
    def administering(self) -> Iterator[KafkaAdminClient]:
        options = self.security(ADMIN).options()
        admin = KafkaAdminClient(bootstrap_servers=f"127.0.0.1:{self.port}", **options)
        try:
            yield admin
        finally:
            admin.close()

    def add_user(self, name: str) -> None:
        with self.administering() as admin:
            for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512"):
                one = UserScramCredentialUpsertion(name, mechanism, password_of(name))
                assert admin.alter_user_scram_credentials([one]) == {name: None}

    def grant(self, role: str, user: str, prefix: str) -> None:
        """Gives a user the rights of a role, as the table in the product has them."""
        for grant in ROLES[role].grants:
            name = f"{prefix}.{grant.topic}"
            self.allow(user, name, *grant.operations, prefixed=grant.prefixed)

    def allow(self, user: str, topic: str, *operations: str, prefixed: bool) -> None:
        acls = [_acl(user, topic, one, prefixed=prefixed) for one in operations]
        with self.administering() as admin:
            assert admin.create_acls(acls)["failed"] == []


@contextmanager
def secured_kafka(folder: Path) -> Iterator[Secured]:
    """One broker; ADMIN and the machine with a certificate may do everything."""
    authority = Authority(folder, "authority")
    broker_file = authority.issue("broker", addresses=["127.0.0.1"])
    machine_file = authority.issue(MACHINE)
    (machine_port,) = free_ports(1)
    settings = _settings(broker_file, authority.path, machine_port)
    with own_kafka(
        folder / "kafka",
        nodes=1,
        settings=settings,
        format_arguments=[
            "--add-scram",
            f"SCRAM-SHA-512=[name={ADMIN},password={password_of(ADMIN)}]",
        ],
    ) as kafka:
        yield Secured(
            port=kafka.nodes[0].port,
            machine_port=machine_port,
            ca_file=authority.path,
            machine_file=machine_file,
        )


def _settings(broker_file: Path, ca_file: Path, machine_port: int) -> Mapping[str, str]:
    clients = f"SASL_SSL://127.0.0.1:{{port}},SSL://127.0.0.1:{machine_port}"
    login = f'{_LOGIN} required username="{ADMIN}" password="{password_of(ADMIN)}";'
    return {
        "listeners": f"{clients},CONTROLLER://127.0.0.1:{{controller}}",
        "advertised.listeners": clients,
        "listener.security.protocol.map": (
            "SASL_SSL:SASL_SSL,SSL:SSL,CONTROLLER:PLAINTEXT"
        ),
        "inter.broker.listener.name": "SASL_SSL",
        "sasl.enabled.mechanisms": "SCRAM-SHA-256,SCRAM-SHA-512",
        "sasl.mechanism.inter.broker.protocol": "SCRAM-SHA-512",
        "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": login,
        "listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config": login,
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(broker_file),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(ca_file),
        "listener.name.ssl.ssl.client.auth": "required",
        "authorizer.class.name": (
            "org.apache.kafka.metadata.authorizer.StandardAuthorizer"
        ),
        # The node talks to itself as controller without a name.
        "super.users": f"User:{ADMIN};User:CN={MACHINE};User:ANONYMOUS",
    }


def _acl(user: str, topic: str, operation: str, *, prefixed: bool) -> ACL:
    kind = ACLResourcePatternType
    return ACL(
        principal=f"User:{user}",
        host="*",
        operation=_OPERATIONS[operation.lower()],
        permission_type=ACLPermissionType.ALLOW,
        resource_pattern=ResourcePattern(
            ResourceType.TOPIC, topic, kind.PREFIXED if prefixed else kind.LITERAL
        ),
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
