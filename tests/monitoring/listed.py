"""The lists of `docs/`: every figure of `/metrics`, and every event of the log. `make lists` writes them anew from the
code, and a test fails when they are stale.

What happens to people says what it means itself (`relay/observe/happenings.py`); of the rest it is written here.
"""

import ast
import inspect
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import get_type_hints

from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector
from prometheus_client.core import Metric

from relay.figures.figures import Figures
from relay.figures.metrics import Metrics
from relay.figures.survey import Survey
from relay.machine.collection import Collection
from relay.machine.pulse import Pulse
from relay.media.engine import EngineStats, links
from relay.observe.happenings import Happening
from relay.observe.refusals import REMEDIES, Refusals
from relay.observe.tally import Tally
from relay.store.store import StoreFigures, StoreState

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
GENERATED = "Written by `make lists`, from the code. A test fails when it is stale.\n"

LEVELS = ("debug", "info", "warning", "error", "critical")

MEANINGS = {
    "addresses_changed": "Browsers are told other addresses for media from now on.",
    "addresses_unknown": "The system does not tell this host's addresses.",
    "addresses_unusable": "Browsers take none of the addresses that they are told.",
    "audit_expired": "Entries of the audit log that had been kept for long enough were removed.",
    "audit_kept_longer": "Old entries of the audit log could not be removed now; it is tried again.",
    "certificate_ended": "Browsers refuse the certificate: it has ended.",
    "certificate_ends_soon": "The certificate ends within 14 days.",
    "certificate_not_for_turn": "The core can't use the certificate: pages are served with it, TURN over TLS is not.",
    "certificate_not_renewed": "The files changed and can't be used; the certificate of before is still served.",
    "certificate_not_valid_yet": "Browsers refuse the certificate: it begins later.",
    "certificate_renewed": "Another certificate was read, and is served from now on.",
    "certificate_unreadable": "The files of the certificate are not there now.",
    "draining": "The server takes nobody any more, and ends when conversations have, or after so long.",
    "ipv6_unavailable": "The host has no IPv6: only IPv4 is listened on.",
    "keys_not_kept": "The server's keys can't be read or written; what was signed means nothing after a restart.",
    "memory_short": "Memory runs short, so the garbage collector looked at everything, which stops the event loop.",
    "native_core_not_built": "Media goes through the frames engine, which carries few people.",
    "not_reloaded": "What SIGHUP asked to be read can't be used; nothing changed.",
    "only_loopback": "This host has no other address than loopback: others can't send media here.",
    "operator_token_wrong": "Somebody guesses at the operator's token.",
    "staff_refused": "Somebody showed a passkey or a link that is not of the staff; `code` says which.",
    "peer_failed": "A media connection failed, in which state.",
    "public_address_changed": "The name or the STUN server tells another public address.",
    "public_address_found": "The name or the STUN server told the public address.",
    "public_address_unknown": "The public address can't be found out now; the one of before is kept.",
    "reloaded": "SIGHUP was heard: certificate and log level were read again.",
    "request_failed": "A mistake of ours in an HTTP request.",
    "sign_in_failed": "Somebody came from the provider of identities and was not let in, or it is away.",
    "sign_in_refused": "Somebody was not signed in at the provider, which says why.",
    "serving": "The server takes people: what it is, and with which settings.",
    "sign_in_not_noted": "Somebody used the operator's token, and the database did not take a note of it.",
    "socket_buffers_small": "The system gives smaller buffers for UDP than this many people need.",
    "splice_failed": "TURN over our port can't be passed on: nothing listens at `turn_backend`.",
    "stopped": "The server has ended.",
    "store_answered_nothing": "The operator asked for what is kept, and the database gave no answer.",
    "store_silent": "The database did not answer in time to somebody who waited for it.",
    "store_wrote_nothing": "Something that must not be lost could not be written. The person who waited was told.",
    "token_right": "Somebody used the operator's token, or Prometheus its own, for the first time in a while.",
    "variables_ignored": "Variables of Kubernetes or Docker's links were passed over.",
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
    told = Figures(
        version="",
        engine="",
        ready=True,
        people=0,
        capacity=0,
        bound="",
        certificate_ends=0.0,
        used=0.0,
        shares={},
        waiting=0,
        rooms=0,
        talking=0,
        media_connections=0,
        web_connections=0,
        held_back=0,
        paths={},
        media=EngineStats(),
        store=StoreFigures(StoreState.OPEN),
    )
    report = lambda task, failure: None  # noqa: E731
    survey = Survey(lambda: links([]), report)
    ours = Metrics(
        read=lambda: told,
        survey=survey,
        tally=Tally(),
        refusals=Refusals(),
        pulse=Pulse(report),
        collection=Collection(lambda: 0, report),
    )
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
    written = {event for file in (ROOT / "relay").rglob("*.py") for event in events_in(file)}
    unknown = {event.name for event in written} ^ set(MEANINGS)
    if unknown:
        raise ValueError(f"MEANINGS in {Path(__file__).name} has too many or too few: {', '.join(sorted(unknown))}")
    happenings = {kind.event: kind for kind in Happening.__subclasses__() if kind.event}
    meanings = MEANINGS | {name: inspect.getdoc(kind) or "" for name, kind in happenings.items()}
    found = sorted(written | {_noted(kind) for kind in happenings.values()})
    lines = ["# Events of the log", "", GENERATED]
    lines += ["`exc_info` stands for a traceback, … for more fields. Addresses in them are pseudonyms.", ""]
    lines += ["| event | level | logger | fields | meaning |", "|---|---|---|---|---|"]
    for event in found:
        told = ", ".join(f"`{field}`" if field != "…" else field for field in event.fields)
        meaning = meanings[event.name].partition("\n")[0]
        lines.append(f"| `{event.name}` | {event.level} | `{event.logger}` | {told} | {meaning} |")
    lines += ["", "## Refusals", ""]
    lines += [
        "Warnings of `relay.refused`, once an hour for each cause, with `remedy` and `times`. They are the reasons"
    ]
    lines += ["of `relay_refusals_total` and of the console's list, too.", "", "| event | what to do |", "|---|---|"]
    lines += [f"| `{reason.value}` | {remedy} |" for reason, remedy in REMEDIES.items()]
    return "\n".join(lines) + "\n"


def _noted(kind: type[Happening]) -> Event:
    """Of something that is noted in the journal."""
    names = (name for name in kind.__struct_fields__ if name not in kind.unwritten)
    raised = get_type_hints(kind).get("cause") is BaseException
    fields = tuple("exc_info" if name == "cause" and raised else name for name in names)
    return Event(kind.event, logging.getLevelName(kind.level).lower(), f"relay.{kind.logger}", fields)


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
