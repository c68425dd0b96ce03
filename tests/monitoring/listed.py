"""The lists of `docs/`: every figure of `/metrics`, and every event of the log. `make lists` writes them anew from the
code, and a test fails when they are stale.

What a log event means is written here: the code has it in the place where it happens only.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector
from prometheus_client.core import Metric

from relay.media.engine import links
from relay.observe.figures import Figures
from relay.observe.metrics import Metrics
from relay.observe.pulse import Pulse
from relay.observe.refusals import REMEDIES
from relay.observe.survey import Survey
from relay.observe.tally import Tally

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
GENERATED = "Written by `make lists`, from the code. A test fails when it is stale.\n"

LEVELS = ("debug", "info", "warning", "error", "critical")

MEANINGS = {
    "addresses_changed": "Browsers are told other addresses for media from now on.",
    "addresses_unknown": "The system does not tell this host's addresses.",
    "addresses_unusable": "Browsers take none of the addresses that they are told.",
    "broken": "A part of the server died, and it ends (exit code 70).",
    "certificate_ended": "Browsers refuse the certificate: it has ended.",
    "certificate_ends_soon": "The certificate ends within 14 days.",
    "certificate_not_renewed": "The files changed and can't be used; the certificate of before is still served.",
    "certificate_not_valid_yet": "Browsers refuse the certificate: it begins later.",
    "certificate_renewed": "Another certificate was read, and is served from now on.",
    "certificate_unreadable": "The files of the certificate are not there now.",
    "connection": "A TCP connection, and what it turned out to be.",
    "connection_abandoned": "A WebSocket was cut from here: pings went unanswered, or the page stood still.",
    "draining": "The server takes nobody any more, and ends when conversations have, or after so long.",
    "event_failed": "A mistake of ours in what a visitor sent; their conversation goes on.",
    "flood": "A visitor sent too much for too long, and is closed.",
    "heard": "A visitor sent an event.",
    "ice_restarted": "A browser asked for another path of its media connection.",
    "ipv6_unavailable": "The host has no IPv6: only IPv4 is listened on.",
    "media_connected": "A visitor's media connection is up.",
    "media_failed": "A visitor's media connection could not be made, or broke.",
    "media_heard_again": "Media of a quiet visitor comes again.",
    "media_quiet": "Nothing comes any more from where a visitor's media came from.",
    "native_core_not_built": "Media goes through the frames engine, which carries few people.",
    "never_came": "Somebody was paired and never came; their partner searches on.",
    "no_common_codec": "A visitor can't be shown their partner's picture.",
    "not_reloaded": "What SIGHUP asked to be read can't be used; nothing changed.",
    "offer_answered": "An SDP offer was answered.",
    "only_loopback": "This host has no other address than loopback: others can't send media here.",
    "operator_ended_room": "The operator ended a conversation.",
    "operator_ordered_drain": "The operator told the server to end.",
    "operator_token_wrong": "Somebody guesses at the operator's token.",
    "page_silent": "A page whose WebSocket is open does not run.",
    "path_selected": "A media connection goes another way from now on.",
    "peer_failed": "A media connection failed, in which state.",
    "public_address_changed": "The name or the STUN server tells another public address.",
    "public_address_found": "The name or the STUN server told the public address.",
    "public_address_unknown": "The public address can't be found out now; the one of before is kept.",
    "refused": "A visitor was told that something is not possible.",
    "reloaded": "SIGHUP was heard: certificate and log level were read again.",
    "request_failed": "A mistake of ours in an HTTP request.",
    "room_ended": "A conversation ended: by whom, why, and after how long.",
    "room_opened": "Two visitors were paired.",
    "sections_refused": "Parts of an offer can't be served; the rest was answered.",
    "serving": "The server takes people: what it is, and with which settings.",
    "session_closed": "A visit ended.",
    "session_lost": "A visitor's connection was lost; their place is kept for a while.",
    "session_opened": "A visitor came.",
    "session_resumed": "A visitor came back.",
    "slow_reader": "A visitor did not take what was sent, and is closed.",
    "socket_buffers_small": "The system gives smaller buffers for UDP than this many people need.",
    "splice_failed": "TURN over our port can't be passed on: nothing listens at `turn_backend`.",
    "stopped": "The server has ended.",
    "task_failed": "A mistake of ours in the background.",
    "token_right": "Somebody used the operator's token, or Prometheus its own, for the first time in a while.",
    "variables_ignored": "Variables of Kubernetes or Docker's links were passed over.",
    "waiting": "A visitor waits for a partner.",
}


def figures() -> str:
    """`docs/metrics.md`."""
    lines = ["# Figures of /metrics", "", GENERATED, "| figure | kind | labels | meaning |", "|---|---|---|---|"]
    for metric in _metrics():
        # Of the families that this library makes, which keep it to themselves.
        labels = getattr(metric, "_labelnames", ()) or tuple(metric.samples[0].labels if metric.samples else ())
        ending = {"counter": "_total", "info": "_info"}.get(metric.type, "")
        told = ", ".join(f"`{label}`" for label in labels if label != "le")
        lines.append(f"| `{metric.name}{ending}` | {metric.type} | {told} | {metric.documentation} |")
    return "\n".join(lines) + "\n"


def _metrics() -> Iterator[Metric]:
    nothing: dict[str, Any] = dict.fromkeys(
        ("people", "capacity", "waiting", "rooms", "media_connections", "packets_received", "packets_sent"), 0
    )
    told = Figures(
        version="",
        engine="",
        ready=True,
        certificate_ends=0.0,
        used=0.0,
        shares={},
        paths={},
        bytes_received=0,
        bytes_sent=0,
        drops={},
        **nothing,
    )
    survey = Survey(lambda: links([]), lambda task, failure: None)
    ours = Metrics(lambda: told, survey, Tally(), Pulse(lambda task, failure: None))
    of_python = CollectorRegistry()
    ProcessCollector(registry=of_python)
    GCCollector(registry=of_python)
    yield from ours.collect()
    yield from of_python.collect()


@dataclass(frozen=True, order=True)
class Event:
    """One line of the log, as the code writes it."""

    name: str
    level: str
    logger: str
    fields: tuple[str, ...]


def events() -> str:
    """`docs/log-events.md`."""
    found = sorted({event for file in (ROOT / "relay").rglob("*.py") for event in events_in(file)})
    unknown = {event.name for event in found} ^ set(MEANINGS)
    if unknown:
        raise ValueError(f"MEANINGS in {Path(__file__).name} has too many or too few: {', '.join(sorted(unknown))}")
    lines = ["# Events of the log", "", GENERATED]
    lines += ["`exc_info` stands for a traceback, … for more fields. Addresses in them are pseudonyms.", ""]
    lines += ["| event | level | logger | fields | meaning |", "|---|---|---|---|---|"]
    for event in found:
        told = ", ".join(f"`{field}`" if field != "…" else field for field in event.fields)
        lines.append(f"| `{event.name}` | {event.level} | `{event.logger}` | {told} | {MEANINGS[event.name]} |")
    lines += ["", "## Refusals", ""]
    lines += [
        "Warnings of `relay.refused`, once an hour for each cause, with `remedy` and `times`. They are the reasons"
    ]
    lines += ["of `relay_refusals_total` and of the console's list, too.", "", "| event | what to do |", "|---|---|"]
    lines += [f"| `{reason.value}` | {remedy} |" for reason, remedy in REMEDIES.items()]
    return "\n".join(lines) + "\n"


def events_in(file: Path) -> Iterator[Event]:
    """Of one part of the server.

    Raises:
        ValueError: which event a line is can't be told from the code.
    """
    tree = ast.parse(file.read_text())
    texts = dict(_texts(tree))
    logger = next((_logger(node, texts) for node in tree.body if _makes_log(node)), "")
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for call in ast.walk(function):
                if isinstance(call, ast.Call) and (level := _level(call)):
                    fields = tuple(keyword.arg or "…" for keyword in call.keywords)
                    for name in _names(call.args[0], function, tree, texts):
                        yield Event(name, level, logger, fields)


def _texts(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """The module's constants."""
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(text))):
                yield name, text


def _makes_log(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "log"


def _logger(node: ast.stmt, texts: dict[str, str]) -> str:
    match node:
        case ast.Assign(value=ast.Call(args=[ast.Constant(value=str(name))])):
            return f"relay.{name}"
        case ast.Assign(value=ast.Call(args=[ast.Name(id=name)])):
            return f"relay.{texts[name]}"
    raise ValueError(f"The logger of {ast.unparse(node)} can't be told.")


def _level(call: ast.Call) -> str | None:
    match call.func:
        case ast.Attribute(value=ast.Name(id="log"), attr=level) if level in LEVELS:
            return level
    return None


def _names(
    written: ast.expr, function: ast.FunctionDef | ast.AsyncFunctionDef, tree: ast.Module, texts: dict[str, str]
) -> Iterator[str]:
    """Those that the event may have."""
    match written:
        case ast.Constant(value=str(name)):
            yield name
        case ast.IfExp(body=one, orelse=other):
            yield from _names(one, function, tree, texts)
            yield from _names(other, function, tree, texts)
        case ast.Name(id=name) if name in texts:
            yield texts[name]
        case ast.Name(id=name) if name == function.args.args[1].arg:
            # Those who call the function say it first.
            for call in ast.walk(tree):
                match call:
                    case ast.Call(func=ast.Attribute(attr=called), args=[said, *_]) if called == function.name:
                        yield from _names(said, function, tree, texts)
        case ast.Attribute(value=ast.Name(id="reason")):
            pass  # the refusals, which have a table of their own
        case _:
            raise ValueError(f"What event {ast.unparse(written)} is can't be told.")


def main() -> None:
    DOCS.mkdir(exist_ok=True)
    (DOCS / "metrics.md").write_text(figures())
    (DOCS / "log-events.md").write_text(events())


if __name__ == "__main__":
    main()
