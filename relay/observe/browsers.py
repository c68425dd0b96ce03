"""Which browser somebody has, as far as its maker matters: a release that breaks something shows in its figures. Pure.

What it says of itself is a stranger's text: of it only the families below and a number are kept.
"""

import functools
import re
from dataclasses import dataclass

OTHER = "other"

_APPLE = re.compile(r"\((?:iPhone|iPad|iPod)")
"""There every browser is Safari inside, whatever it is called."""
_FAMILIES = (
    ("edge", re.compile(r"\bEdg(?:A|e)?/(\d{1,4})\b")),
    ("opera", re.compile(r"\bOPR/(\d{1,4})\b")),
    ("samsung", re.compile(r"\bSamsungBrowser/(\d{1,4})\b")),
    ("firefox", re.compile(r"\bFirefox/(\d{1,4})\b")),
    ("chrome", re.compile(r"\b(?:Headless)?Chrom(?:e|ium)/(\d{1,4})\b")),
    ("safari", re.compile(r"\bVersion/(\d{1,4})\b.*\bSafari/")),
)
"""In this order: most of them call themselves Chrome and Safari as well."""

FAMILIES = (*(name for name, _ in _FAMILIES), OTHER)
"""Labels in the metrics."""

LONGEST = 512
"""Characters of the header that are looked at."""


@dataclass(frozen=True, slots=True)
class Browser:
    family: str = OTHER
    version: int | None = None

    def __str__(self) -> str:
        return self.family if self.version is None else f"{self.family} {self.version}"


UNKNOWN = Browser()


@functools.lru_cache(maxsize=256)
def browser_of(user_agent: str) -> Browser:
    """What the header `User-Agent` says. Most people's is one of a few."""
    text = user_agent[:LONGEST]
    if _APPLE.search(text):
        found = re.search(r" OS (\d{1,3})_", text)
        return Browser("safari", int(found[1]) if found else None)
    for name, pattern in _FAMILIES:
        if found := pattern.search(text):
            return Browser(name, int(found[1]))
    return UNKNOWN
