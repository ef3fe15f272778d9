"""TLS to the brokers: their certificates are checked, and what is wrong with them is kept.

The client tries again whatever fails, and in the end says only that nobody answered:
whoever reads that should learn that it was a certificate.
"""

from __future__ import annotations

import ssl

from typing_extensions import override

from ledger.errors import Malformed


class TlsContext(ssl.SSLContext):
    """Checks chain and host name, from TLS 1.2 on; for the connections of one client.

    ``failure``: why the last handshake did not come about; None after one that did.
    """

    failure: ssl.SSLError | None = None


class _Socket(ssl.SSLSocket):
    @override
    def do_handshake(self, block: bool = False) -> None:
        context = self.context
        try:
            super().do_handshake(block)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except OSError as error:
            if isinstance(context, TlsContext) and isinstance(error, ssl.SSLError):
                context.failure = error
            self.close()  # nobody else does
            raise
        if isinstance(context, TlsContext):
            context.failure = None


def tls_context(
    ca_file: str | None, certificate_file: str | None, key_file: str | None
) -> TlsContext:
    """A context for files in PEM; raises Malformed naming the one that is not usable.

    ``ca_file``: who is believed, None: whom the system believes. The other two prove
    who we are, where brokers ask for it.
    """
    context = TlsContext(ssl.PROTOCOL_TLS_CLIENT)
    context.sslsocket_class = _Socket
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = True
    try:
        if ca_file is None:
            context.load_default_certs()
        else:
            context.load_verify_locations(ca_file)
    except OSError as error:
        raise Malformed(
            "not a file with certificates",
            code="bad_kafka_settings",
            expected="PEM",
            where=f"ca_file {ca_file}",
        ) from error
    if certificate_file is not None:
        try:
            # An empty password: a key that needs one is refused, nobody is asked.
            context.load_cert_chain(certificate_file, key_file, password="")
        except OSError as error:
            raise Malformed(
                "not a certificate and its key",
                code="bad_kafka_settings",
                expected="PEM, the key without a password",
                where=f"certificate_file {certificate_file}, key_file {key_file}",
            ) from error
    return context
