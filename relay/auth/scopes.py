"""What somebody may be allowed to do, and which of it each role of the staff may. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Scope(StrEnum):
    """What somebody may be allowed to do."""

    MODERATE = "moderate"
    """See who talks, and end rooms."""
    OPERATE = "operate"
    """Look after the server: what was, clean up, drain it, and who is on the staff."""
    AUDIT = "audit"
    """Read what staff did."""
    READ_FIGURES = "read_figures"
    """Read the metrics."""


class Role(StrEnum):
    """What one of the staff is. A person may be several."""

    MODERATOR = "moderator"
    OPERATOR = "operator"
    AUDITOR = "auditor"


ALLOWED: dict[Role, frozenset[Scope]] = {
    Role.MODERATOR: frozenset({Scope.MODERATE}),
    Role.OPERATOR: frozenset({Scope.MODERATE, Scope.OPERATE, Scope.READ_FIGURES}),
    Role.AUDITOR: frozenset({Scope.AUDIT}),
}
"""Who gives orders does not also watch over them, unless they were made both."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody who showed who they are."""

    name: str
    scopes: frozenset[Scope]
    person: str | None = None
    """The key of one of the staff; None: it is a token, and perhaps a machine."""


OPERATOR = Principal("operator", frozenset(Scope))
METRICS = Principal("metrics", frozenset({Scope.READ_FIGURES}))


def scopes_of(roles: Iterable[Role]) -> frozenset[Scope]:
    """All that any of them may."""
    return frozenset().union(*(ALLOWED[role] for role in roles))


def read(written: str) -> tuple[Role, ...]:
    """Roles as they are kept, or as somebody typed them: names with spaces or commas between.

    Raises:
        ValueError: one is not known, or there is none.
    """
    names = written.replace(",", " ").lower().split()
    if not names:
        raise ValueError("no role is named")
    named = {Role(name) for name in names}
    return tuple(role for role in Role if role in named)


def write(roles: Iterable[Role]) -> str:
    """As they are kept."""
    return " ".join(roles)
