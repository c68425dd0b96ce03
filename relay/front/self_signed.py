"""Makes a certificate for use in a local network, where no authority gives one.

Browsers warn about it once; after that they give out the camera, which they never do over plain
HTTP. It names this host and its addresses, and is kept, so that the warning does not come back.
"""

import datetime
import ipaddress
import os
import socket
from collections.abc import Collection
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from relay.config.addresses import is_address
from relay.errors import ConfigurationError
from relay.ledger.addresses import Address
from relay.transport.addresses import own_addresses

LIFETIME = datetime.timedelta(days=800)
"""Phones refuse certificates that are valid for more than 825 days."""

SPARE = datetime.timedelta(days=30)
"""One that ends sooner than this is made anew."""

CERTIFICATE, KEY = "self-signed.pem", "self-signed.key"


def self_signed(folder: Path, public: Collection[str], now: datetime.datetime) -> tuple[Path, Path]:
    """The certificate and the key in `folder`, made anew if they don't name all addresses or end soon.

    Raises:
        ConfigurationError: the folder can't be written.
    """
    literal = [ipaddress.ip_address(written) for written in public if is_address(written)]
    named = (written.lower() for written in public if not is_address(written))
    names = sorted({"localhost", socket.gethostname().lower(), *named})
    addresses = sorted({*own_addresses(), *literal}, key=lambda item: (item.version, item))
    certificate, key = folder / CERTIFICATE, folder / KEY
    try:
        if not (key.is_file() and _serves(certificate, names, addresses, now)):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _make(certificate, key, names, addresses, now)
    except OSError as cause:
        raise ConfigurationError(f"The self-signed certificate can't be kept in {folder}: {cause}.") from cause
    return certificate, key


def _serves(file: Path, names: list[str], addresses: list[Address], now: datetime.datetime) -> bool:
    try:
        certificate = x509.load_pem_x509_certificate(file.read_bytes())
        named = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (FileNotFoundError, ValueError, x509.ExtensionNotFound):
        return False
    return (
        certificate.not_valid_after_utc - now > SPARE
        and set(names) <= set(named.get_values_for_type(x509.DNSName))
        and set(addresses) <= set(named.get_values_for_type(x509.IPAddress))
    )


def _make(file: Path, key_file: Path, names: list[str], addresses: list[Address], now: datetime.datetime) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "relay video chat")])
    alternatives = [*map(x509.DNSName, names), *map(x509.IPAddress, addresses)]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    key_file.unlink(missing_ok=True)
    with os.fdopen(os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
        opened.write(private)
    file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
