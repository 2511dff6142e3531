"""Ed25519 signatures of verdicts (RFC 8032), which a training makes and every other process checks.

    PRODUCT_SIGNING_KEY   the private key, only in the environment of the training
    PRODUCT_PUBLIC_KEY    the public keys, separated by commas, in the environment of every process

A key is PEM text, its base64 in one line, or the path of a file with either. With a public key,
only versions signed with its private key are registered, released and loaded. Without one, nothing
is checked, and a training with a private key signs nevertheless.

The signature is a tag of the version. It covers the product's name and the digests of the verdict
document, which contains that of the model, and of the files beside the model. It is therefore not
valid for another version, product or purpose.
"""

import base64
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ..config.settings import Settings
from ..errors import ConfigError, Refused
from .versions import Version

# Imported in the functions, because commands without signatures do not need it.
if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (
        Ed25519PrivateKey,
        Ed25519PublicKey,
    )

__all__ = ["create_keys", "refuse_unsigned", "signature", "signing_key"]

PRIVATE, PUBLIC = "PRODUCT_SIGNING_KEY", "PRODUCT_PUBLIC_KEY"
TAG = "decision_signature"
COVERED = (
    "decision_digest",
    "training_rows_digest",
    "recorded_rows_digest",
    "reference_digest",
    "reference_sample_digest",
)


def signature(settings: Settings, product: str, tags: Mapping[str, str]) -> dict[str, str]:
    """The tag with the signature of a version that has these tags; empty without a private key.

    Raises Refused or ConfigError, as ``signing_key`` does.
    """
    key = signing_key(settings)
    if key is None:
        return {}
    return {TAG: base64.b64encode(key.sign(_message(product, tags))).decode()}


def refuse_unsigned(settings: Settings, product: str, version: Version) -> None:
    """Raises Refused if a public key is configured and the version has no valid signature."""
    keys, signed = _public_keys(settings), version.tags.get(TAG)
    if not keys:
        return
    if signed is None:
        raise Refused(
            f"version {version.number} is not signed – expected a signature by the private key of"
            f" {PUBLIC} – train again with {PRIVATE}, or choose a signed version"
        )
    message = _message(product, version.tags)
    if not any(_is_signature(signed, message, key) for key in keys):
        raise Refused(
            f"the signature of version {version.number} is not valid for its verdict and files –"
            f" expected a signature by the private key of {PUBLIC} – train again, or choose"
            " another version"
        )


def signing_key(settings: Settings) -> "Ed25519PrivateKey | None":
    """The private key; None if neither of the two keys is configured.

    Raises Refused if there is a public key but not the private key that belongs to it, and
    ConfigError if a key is not valid.
    """
    public = _public_keys(settings)
    if settings.signing_key is None:
        if not public:
            return None
        raise Refused(
            f"{PRIVATE} is not set – {PUBLIC} is, so only signed versions are registered – set"
            f" {PRIVATE} for the training, and only there"
        )
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_der_private_key

    try:
        content = _content(PRIVATE, settings.signing_key.strip(), settings.root)
        key = load_der_private_key(content, password=None)
    # TypeError: the key is encrypted. The cause is dropped: its text could contain the key.
    except (ValueError, TypeError, OSError, UnsupportedAlgorithm):
        raise _invalid(PRIVATE) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise _invalid(PRIVATE)
    if public and key.public_key() not in public:
        raise Refused(
            f"{PRIVATE} does not belong to {PUBLIC} – expected the two keys of one pair – set the"
            " private key of that pair"
        )
    return key


def create_keys(folder: Path, root: Path) -> tuple[Path, Path]:
    """The files of a new private and public key in ``folder``, readable by their owner only.

    Raises ConfigError if the folder is inside the product's folder ``root`` or has one of the
    files.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        PublicFormat,
    )

    if _inside(folder, root):
        raise ConfigError(
            f"{folder} is inside the product's folder {root} – expected a folder elsewhere, because"
            " everyone who can write the product could replace a key in it – give another folder"
        )
    key = Ed25519PrivateKey.generate()
    private, public = folder.resolve() / "signing_key.pem", folder.resolve() / "public_key.pem"
    for path in (private, public):
        if path.exists():
            raise ConfigError(
                f"{path} exists – a key is never overwritten, because its signatures would lose"
                " their validity – give another folder"
            )
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _write(private, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    _write(public, key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return private, public


def _write(path: Path, content: bytes) -> None:
    # O_EXCL: a file that another process has created meanwhile is not overwritten either.
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)


def _message(product: str, tags: Mapping[str, str]) -> bytes:
    covered = {tag: tags.get(tag, "") for tag in COVERED}
    return json.dumps(
        {"purpose": "decision.json", "product": product, **covered}, sort_keys=True
    ).encode()


def _is_signature(text: str, message: bytes, key: "Ed25519PublicKey") -> bool:
    from cryptography.exceptions import InvalidSignature

    try:
        key.verify(base64.b64decode(text, validate=True), message)
    except (InvalidSignature, ValueError):  # ValueError: not base64
        return False
    return True


def _public_keys(settings: Settings) -> "tuple[Ed25519PublicKey, ...]":
    if settings.public_key is None:
        return ()
    return tuple(_public_key(text, settings.root) for text in settings.public_key.split(","))


def _public_key(text: str, root: Path) -> "Ed25519PublicKey":
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        key = load_der_public_key(_content(PUBLIC, text.strip(), root))
    # The cause is dropped: the text could be a private key.
    except (ValueError, OSError, UnsupportedAlgorithm):
        raise _invalid(PUBLIC) from None
    if not isinstance(key, Ed25519PublicKey):
        raise _invalid(PUBLIC)
    return key


def _content(variable: str, text: str, root: Path) -> bytes:
    """The key in DER format, from its text or its file. Raises ValueError for another text,
    OSError for an unreadable file, and ConfigError for a file in the product's folder.
    """
    # A file first, because a path can consist of characters of base64 only.
    if os.path.isfile(text):
        if _inside(Path(text), root):
            raise ConfigError(
                f"{variable} is a path inside the product's folder – expected a key outside of"
                f" {root}, because everyone who can write the product could replace it – move it"
            )
        text = Path(text).read_text(encoding="ascii")
    lines = (line.strip() for line in text.splitlines() if not line.startswith("-----"))
    return base64.b64decode("".join(lines), validate=True)


def _inside(path: Path, root: Path) -> bool:
    # Also without following links: whoever can write the product could change a link in it.
    found = (Path(os.path.abspath(path)), path.resolve())
    return any(each.is_relative_to(root) for each in found)


def _invalid(variable: str) -> ConfigError:
    kind = "private" if variable == PRIVATE else "public"
    return ConfigError(
        f"{variable} is not a valid key – expected the {kind} Ed25519 key as PEM, its base64 in one"
        " line, or the path of such a file – create a pair with the command keys"
    )
