"""The server's secret keys: made once, kept in a file, and the only place where one is used by itself.

What others get are deeds, no keys: a tag that nobody else can make, and a name that leads back to nobody without the
pepper. The one exception is the key that signs the audit log, since what it has signed is checked elsewhere too.

Signing keys take turns: the newest signs, and the one before it is still believed, so that no cookie ends early. The
pepper stays, since what was named by it could not be found again.
"""

import datetime
import hmac
import os
import secrets
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Self

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import Meta

from relay.errors import ConfigurationError

FILE = "keys.json"
"""In the state folder."""

HASH = "sha256"

LENGTH = 32
"""Bytes of a key."""

ACCEPTED = 2
"""Signing keys that are believed."""

TERM = datetime.timedelta(days=90)
"""How long a key signs. Longer than anything lasts that is signed: else the key before it would be gone too early."""

LARGEST_FILE = 16 * 1024
"""Bytes; ours has less than 400."""

Key = Annotated[bytes, Meta(min_length=LENGTH, max_length=LENGTH)]


class SigningKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One of those that take turns."""

    key: Key
    made: datetime.date


class Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the file holds; bytes in base64."""

    signing: Annotated[tuple[SigningKey, ...], Meta(min_length=1, max_length=ACCEPTED)]
    """The newest first."""
    pepper: Key
    audit: Key

    @classmethod
    def new(cls, today: datetime.date) -> Self:
        """All keys made anew."""
        signing = SigningKey(secrets.token_bytes(LENGTH), today)
        return cls((signing,), secrets.token_bytes(LENGTH), secrets.token_bytes(LENGTH))

    def turned(self, today: datetime.date) -> "Document":
        """With another key that signs; the one that did is still believed."""
        another = SigningKey(secrets.token_bytes(LENGTH), today)
        return msgspec.structs.replace(self, signing=(another, *self.signing)[:ACCEPTED])


class Keys:
    """One per server. Safe to use from any thread."""

    def __init__(self, document: Document, file: Path | None = None, *, is_ours: bool = False) -> None:
        """`file` is where they are kept; if it `is_ours`, it may be written."""
        self._file = file
        self._is_ours = is_ours
        self._take(document)

    @classmethod
    def temporary(cls, file: Path | None = None, today: datetime.date = datetime.date.min) -> Self:
        """Not kept, or not yet: what they sign means nothing to the next process, unless `look_again` can put them into
        `file`."""
        return cls(Document.new(today), file, is_ours=True)

    def sign(self, purpose: str, data: bytes) -> bytes:
        """The tag of some data, 32 bytes. One made for a purpose is worth nothing for another."""
        return hmac.digest(self._of(purpose)[0], data, HASH)

    def check(self, purpose: str, data: bytes, tag: bytes) -> bool:
        """Whether `tag` was made for this purpose and this data, by a key that is believed."""
        return any(hmac.compare_digest(hmac.digest(key, data, HASH), tag) for key in self._of(purpose))

    def pseudonym(self, kind: str, data: bytes) -> bytes:
        """A name for somebody or something, 32 bytes: always the same, and it leads back to nothing without the
        pepper. `kind` says of what, such as `visitor` or `address`: the same data of another kind has another name."""
        return hmac.digest(hmac.digest(self._document.pepper, kind.encode(), HASH), data, HASH)

    @property
    def audit_key(self) -> Ed25519PrivateKey:
        """What the audit log is signed with. It stays."""
        return Ed25519PrivateKey.from_private_bytes(self._document.audit)

    def look_again(self, today: datetime.date) -> None:
        """Take what the file holds now, which another server or the operator may have changed. Have another key sign,
        if this one did for long enough and the file is ours to write; make the file, if that was not possible before.

        Raises:
            ConfigurationError: the file can't be read; the keys stay as they are.
            OSError: it can't be written.
        """
        if self._file is None:
            return
        if self._is_ours and not self._file.exists():
            make(self._file, self._document)
        document = read(self._file)
        if self._is_ours and today - document.signing[0].made >= TERM:
            document = document.turned(today)
            replace(self._file, document)
        if document != self._document:
            self._take(document)

    def _take(self, document: Document) -> None:
        self._document = document
        self._derived: dict[str, tuple[bytes, ...]] = {}

    def _of(self, purpose: str) -> tuple[bytes, ...]:
        """The keys for a purpose, derived from those that are kept, the newest first."""
        found = self._derived.get(purpose)
        if found is None:
            name = purpose.encode()
            found = tuple(hmac.digest(one.key, name, HASH) for one in self._document.signing)
            self._derived[purpose] = found
        return found


def kept(folder: Path, today: datetime.date) -> Keys:
    """Those in the state folder, made if there are none yet. Two servers that start at once take the same.

    Raises:
        ConfigurationError: there are some, and they can't be read.
        OSError: there are none, and none can be made.
    """
    file = folder / FILE
    if not file.exists():
        make(file, Document.new(today))
    return Keys(read(file), file, is_ours=True)


def given(file: Path) -> Keys:
    """Those of a file that the operator made, for several servers.

    Raises:
        ConfigurationError: they can't be read.
    """
    return Keys(read(file), file)


def read(file: Path) -> Document:
    """What a file of keys holds.

    Raises:
        ConfigurationError: it can't be read, is not whole, or others than its owner may write it.
    """
    try:
        with file.open("rb") as opened:
            mode = os.fstat(opened.fileno()).st_mode
            text = opened.read(LARGEST_FILE)
    except OSError as cause:
        raise ConfigurationError(f"The server's keys in {file} can't be read: {cause.strerror}.") from cause
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise ConfigurationError(f"The server's keys in {file} may be written by others: run `chmod 600 {file}`.")
    try:
        return msgspec.json.decode(text, type=Document)
    except (msgspec.DecodeError, UnicodeDecodeError) as cause:
        # Not made anew: nobody would be known any more, and no ban would hold.
        raise ConfigurationError(
            f"The server's keys in {file} are not whole. Restore the file from a backup. Without one, remove it: then"
            " everybody is asked to agree to the rules again, and blocks and bans no longer hold."
        ) from cause


def is_private(file: Path) -> bool:
    """Whether nobody but its owner may read a file of keys.

    Raises:
        OSError: it can't be looked at.
    """
    return not file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)


def make(file: Path, document: Document) -> None:
    """Write a file that is not there yet, whole or not at all. One that came meanwhile stays.

    Raises:
        OSError: it can't be written.
    """

    def keep(written: Path) -> None:
        with suppress(FileExistsError):
            os.link(written, file)
        written.unlink()

    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _write(file, document, keep)


def replace(file: Path, document: Document) -> None:
    """Write a file anew, whole or not at all.

    Raises:
        OSError: it can't be written; what was there stays.
    """
    _write(file, document, lambda written: written.replace(file))


def _write(file: Path, document: Document, put: Callable[[Path], object]) -> None:
    written = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
            opened.write(msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")
            opened.flush()
            os.fsync(opened.fileno())
        put(written)
    except BaseException:
        written.unlink(missing_ok=True)
        raise
