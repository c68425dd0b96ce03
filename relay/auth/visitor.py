"""Who a visitor is, as far as anybody knows: a random id in a cookie of their own browser, and what they agreed to.

The server keeps nothing of it. Who clears the cookie is somebody else. Pure: it is told which day it is.
"""

import base64
import re
from dataclasses import dataclass

from relay.auth.keys import Keys

COOKIE = "relay"
PURPOSE = "visitor"

LASTS = 30
"""Days after the latest visit for which a browser is known."""

ID_BYTES = 16

RULES = r"[A-Za-z0-9._-]{1,32}"
"""What a version of the rules may be."""

_WRITTEN = re.compile(rf"([A-Za-z0-9_-]{{22}}):({RULES}):(\d{{1,3}}):(\d{{1,6}})", re.ASCII)
_LONGEST = 128
"""Characters of a cookie that can be ours."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """What the cookie says."""

    id: bytes
    rules: str
    """The version of the rules that they agreed to."""
    age: int
    """The years that they said to have reached; 0: they were not asked."""
    day: int
    """Of their latest visit but this one, in days since 1970."""

    def may_meet(self, rules: str, minimum_age: int) -> bool:
        """Whether that is all that is asked now."""
        return self.rules == rules and self.age >= minimum_age


def to_cookie(visitor: Visitor, keys: Keys) -> str:
    """What the browser is to send."""
    content = f"{_encode(visitor.id)}:{visitor.rules}:{visitor.age}:{visitor.day}"
    return f"{content}:{_encode(keys.sign(PURPOSE, content.encode()))}"


def from_cookie(text: str, keys: Keys, today: int) -> Visitor | None:
    """None if it is not as we wrote it, to the last bit, or too old."""
    content, _, tag = text.rpartition(":")
    found = _WRITTEN.fullmatch(content) if len(text) <= _LONGEST else None
    if found is None or not tag.isascii():
        return None
    if not keys.check(PURPOSE, content.encode(), shown := _decode(tag)) or _encode(shown) != tag:
        return None
    name, rules, age, day = found.groups()
    # Clocks of several servers may be apart when a day begins.
    if not today - LASTS <= int(day) <= today + 1:
        return None
    return Visitor(_decode(name), rules, int(age), int(day))


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    """Of what is no base64 too; then it is something else than what was encoded."""
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return b""
