"""Certificates that are as a test wants them."""

import asyncio
import contextlib
import datetime
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PrivateFormat

NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)


def certificate(
    folder: Path,
    *,
    begins: int = -9,
    ends: int = 90,
    password: bytes | None = None,
    name: str = "chat.example",
    key: ec.EllipticCurvePrivateKey | None = None,
) -> list[str]:
    """The flags for one that is valid for these days from now."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([])
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(NOW + begins * DAY).not_valid_after(NOW + ends * DAY)
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    chain, own = folder / "chain.pem", folder / "own.key"
    chain.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    encryption = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    own.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))
    return [f"--tls-cert={chain}", f"--tls-key={own}"]


def anyone(*offers: str) -> ssl.SSLContext:
    """Trusts everybody, as a person does who clicks the warning away. `offers`: what it says may follow (ALPN)."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if offers:
        context.set_alpn_protocols(list(offers))
    return context


async def certificate_of(port: int) -> bytes:
    """What a new connection is shown."""
    async with asyncio.timeout(10):
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=anyone())
    shown: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return shown
