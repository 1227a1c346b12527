"""RSA keys: the client's, made for local use and never committed, and the simulator's own."""

import os
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key

DEFAULT_SCOPE = "skatteetaten:innrapporteringamelding"


@dataclass(frozen=True)
class RegisteredClient:
    """A Maskinporten client as its owner registered it."""

    client_id: str
    key_id: str
    public_key: RSAPublicKey
    scopes: frozenset[str] = frozenset({DEFAULT_SCOPE})


def new_key() -> RSAPrivateKey:
    return generate_private_key(public_exponent=65537, key_size=2048)


def pem(key: RSAPrivateKey) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def write_new_key(path: Path) -> None:
    """Readable by its owner alone from the first byte. Raises FileExistsError rather than replace a key in use."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:  # noqa: PTH123
        file.write(pem(new_key()))


def public_key(path: Path) -> RSAPublicKey:
    """The public half of the private or public PEM key in `path`. Raises ValueError when it is neither."""
    content = path.read_bytes()
    if b"PRIVATE KEY" in content:
        key = serialization.load_pem_private_key(content, password=None).public_key()
    else:
        key = serialization.load_pem_public_key(content)
    if not isinstance(key, RSAPublicKey):
        raise ValueError(f"{path} does not hold an RSA key")  # noqa: TRY004 - the file is wrong, not a type
    return key
