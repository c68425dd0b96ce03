"""Which cipher suites are spoken, by TLS for pages and by DTLS for media."""

from itertools import product

KEYS = ("ECDHE-ECDSA", "ECDHE-RSA")
SEALS = ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305")

SUITES = ":".join(f"{key}-{seal}" for key, seal in product(KEYS, SEALS))
"""Forward secrecy and authenticated encryption, in OpenSSL's words; none of them exists below version 1.2. The first
is mandatory for WebRTC (RFC 8827, section 6.5). What a certificate's key does not fit is never chosen: DTLS has ECDSA
alone. The suites of TLS 1.3 are all of this kind, and OpenSSL's to choose."""
