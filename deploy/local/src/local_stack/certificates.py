"""An authority of a stack's own and the certificate that it gives its servers, both made once per folder."""

import os
from dataclasses import dataclass
from pathlib import Path

import trustme
from cryptography.hazmat.primitives import serialization

SERVER = "kafka"
"""The name in the certificate, and so the name under which brokers and controllers know each other."""


@dataclass(frozen=True)
class Certificates:
    """Files below `directory`, made when one of them is first asked for."""

    directory: Path

    @property
    def authority(self) -> Path:
        """The authority's certificate: what a client must trust. Its key is nowhere, so that nobody can make another certificate."""
        return self._made("authority.pem")

    @property
    def server(self) -> Path:
        """Private key and certificate of a server on this machine's loopback interface, for its owner's eyes only."""
        return self._made("server.pem")

    def _made(self, name: str) -> Path:
        if not (self.directory / "authority.pem").exists():
            self._make()
        return self.directory / name

    def _make(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        authority = trustme.CA(organization_name="accountflow on this machine")
        certificate = authority.issue_cert("127.0.0.1", "localhost", common_name=SERVER)
        key = serialization.load_pem_private_key(certificate.private_key_pem.bytes(), password=None).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,  # the only form that Kafka reads
            serialization.NoEncryption(),
        )
        _write(self.directory / "server.pem", b"".join([key, *(link.bytes() for link in certificate.cert_chain_pems)]), 0o600)
        _write(self.directory / "authority.pem", authority.cert_pem.bytes(), 0o644)  # last: its presence says that all are there


def _write(path: Path, content: bytes, mode: int) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
