"""Writes the console's types from the structs that it is sent: `make protocol`."""

import sys

import msgspec

from relay.auth.printed import Line
from relay.figures.history import Sample
from relay.protocol.types import interface
from relay.store.analytics import Analytics, Period
from relay.web.operator.audit import Page
from relay.web.operator.routes import Overview, RefusalView, RoomView, Side, TroubleView
from relay.web.operator.staff import Me, Opened, StaffView

HEADER = """\
// What the server says of itself. Generated from relay/web/operator/routes.py, relay/web/operator/staff.py,
// relay/web/operator/audit.py, relay/auth/printed.py, relay/figures/history.py and relay/store/analytics.py by
// `make protocol`.
"""

SERIES = """\
export type SeriesName = (typeof SERIES)[number];
export type Series = Readonly<Record<SeriesName, readonly (number | null)[]>>;
"""
LOOSE = "Readonly<Record<string, readonly (number | null)[]>>"
"""How the struct says it: which names there are only `Sample` knows."""

NAMES: dict[type[msgspec.Struct], str] = {
    Side: "Side",
    RoomView: "Room",
    TroubleView: "Trouble",
    RefusalView: "Refusal",
    Overview: "Overview",
    Period: "Period",
    Analytics: "Analytics",
    Me: "Me",
    StaffView: "Colleague",
    Opened: "Opened",
    Line: "AuditEntry",
    Page: "AuditPage",
}


def render() -> str:
    """The whole TypeScript module."""
    series = "".join(f"\n  '{name}'," for name in Sample._fields)
    parts = [HEADER, f"export const SERIES = [{series}\n] as const;\n", SERIES]
    parts += [interface(kind, NAMES).replace(LOOSE, "Series") for kind in NAMES]
    return "\n".join(parts)


if __name__ == "__main__":
    sys.stdout.write(render())
