"""The settings by name: what each means, how a value is written, and which one somebody may have meant."""

import difflib

from msgspec import Meta

from relay.config.settings import TYPES

SECRETS = frozenset({"database", "metrics_token", "oidc_client_secret", "operator_token", "turn_secret"})
"""Settings that are never printed, and that may be in a file of their own, which `RELAY_..._FILE` names."""


RENAMED = {"taps": "transcoders"}
"""What settings were called, and what they are called now."""


def names() -> tuple[str, ...]:
    """All settings, in the order of definition."""
    return tuple(TYPES)


def describe(name: str) -> str:
    """The one-line meaning of a setting."""
    for note in getattr(TYPES[name], "__metadata__", ()):
        if isinstance(note, Meta) and note.description:
            return note.description
    raise KeyError(name)


def written(value: object) -> str:
    """A value as one would write it in the environment."""
    if value is None:
        return ""
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return str(value)


def meant(name: str) -> str | None:
    """The setting that somebody may have meant."""
    near = [RENAMED[name]] if name in RENAMED else difflib.get_close_matches(name, names(), n=1)
    return near[0] if near else None
