"""The rules of this place: the operator's text, or ours, and which version of it people agree to.

The text is Markdown. What comes of it holds no HTML of the writer's own, no pictures, and no links but to pages and
mailboxes: it is shown inside a page of ours.
"""

import hashlib
import re
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from markdown_it import MarkdownIt

from relay.auth.visitor import RULES
from relay.errors import ConfigurationError

LARGEST = 64 * 1024
"""Bytes of a text that people are to read."""

DIGITS = 12
"""Of a version that is made from the text."""

_VERSION = re.compile(r"\s*version:[ \t]*(\S+)[ \t]*(?:\n|$)", re.IGNORECASE)
_LINK = re.compile(r"(https?://|mailto:|/(?!/)|#)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Rules:
    """One version of them."""

    version: str
    html: str


def of_place(file: str | None) -> Rules:
    """Those in the operator's file; ours without one.

    Raises:
        ConfigurationError: it can't be read, or is not what it should be.
    """
    if file is None:
        return _parse((resources.files("relay.auth") / "rules.md").read_bytes(), "")
    try:
        with Path(file).open("rb") as opened:
            return _parse(opened.read(LARGEST + 1), file)
    except OSError as cause:
        raise ConfigurationError(f"The rules in {file} (`rules_file`) can't be read: {cause.strerror}.") from cause


def _parse(content: bytes, file: str) -> Rules:
    if len(content) > LARGEST:
        raise ConfigurationError(f"The rules in {file} (`rules_file`) have more than {LARGEST} bytes: who reads that?")
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as cause:
        raise ConfigurationError(f"The rules in {file} (`rules_file`) are not text in UTF-8.") from cause
    said = _VERSION.match(text)
    body = text[said.end() :] if said else text
    if not body.strip():
        raise ConfigurationError(f"The rules in {file} (`rules_file`) are empty.")
    version = said.group(1) if said else hashlib.sha256(body.encode()).hexdigest()[:DIGITS]
    if not re.fullmatch(RULES, version, re.ASCII):
        raise ConfigurationError(
            f"The version of the rules in {file} (`rules_file`) is not 1 to 32 letters, digits, dots, underscores and"
            " hyphens, such as 2 or 2026-12-01."
        )
    return Rules(version, _markdown().render(body))


def _markdown() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": False}).disable("image")
    # Its own list is of what is dangerous; ours is of what is not.
    markdown.validateLink = lambda url: _LINK.match(url) is not None  # type: ignore[method-assign]
    return markdown
