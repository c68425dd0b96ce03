"""The command line: `relay serve`, `config`, `check`, `probe`, `size`, `store`, `keys`, `audit` and `staff`."""

import argparse
import asyncio
import os
import resource
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from relay import __version__, app, config
from relay.auth import enlisting, inspection, keys
from relay.auth.safekeeping import today
from relay.checks import size
from relay.checks.finding import Finding, exit_code, in_json, in_words
from relay.checks.probe import probe
from relay.checks.run import check
from relay.checks.start import injected, tell
from relay.config.settings import Settings
from relay.errors import ConfigurationError, FatalError
from relay.observe.logs import logging
from relay.store import database, upkeep

EXIT_CONFIGURATION = 2
"""A setting, a port or a file is not right: starting again changes nothing."""
ORDERS = {
    "status": "print where the database is, and how much is in it",
    "migrate": "bring its tables to this version, as a start of the server does",
    "backup": "copy all of it into a new file, while the server runs or not (SQLite)",
    "restore": "put such a copy in the place of all that is there (SQLite)",
}
"""Of `relay store`."""
KEYS = {
    "make": "write new keys into a file that is not there yet",
    "turn": "have another key sign; what the last one signed is still believed until the next turn",
}
"""Of `relay keys`."""
AUDIT_ORDERS = {
    "show": "print what the operator and the staff did, one line of JSON each",
    "verify": "whether nothing of it was changed, removed, added or swapped; says which entry breaks the chain",
    "key": "print the public key by which others check it",
}
"""Of `relay audit`."""
STAFF_ORDERS = {
    "add": "let somebody in: prints a link that counts once, for half an hour",
    "link": "print another link for somebody: for another device, or one that was lost",
    "list": "print who is on the staff",
    "remove": "take somebody off, with their passkeys, and sign them out",
}
"""Of `relay staff`."""
EXIT_BROKEN_CHAIN = 1
"""The audit log is not as it was written."""
EXIT_BROKEN = 70
"""EX_SOFTWARE of sysexits(3): start another."""

log = logging.get_logger("app")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    parsed = _parse(arguments)
    if parsed.command == "serve":
        # It means to read things again. Until that is possible it means nothing, and not the end.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    if parsed.command == "probe":
        # The server is elsewhere: what is set here is none of its business.
        return _tell(asyncio.run(probe(parsed.url, insecure=parsed.insecure)), as_json=parsed.json)
    if parsed.command == "size":
        print(size.answer(parsed))
        return 0
    if parsed.command == "keys":
        return _look_after_keys(parsed.order, parsed.file)
    flags = {name: value for name in config.names() if (value := getattr(parsed, name)) is not None}
    try:
        configuration = config.load(os.environ, flags, parsed.config)
        match parsed.command:
            case "config":
                _print(configuration)
            case "store":
                print(_look_after(configuration.settings, parsed))
            case "audit":
                return _inspect(configuration.settings, parsed)
            case "staff":
                print(_enlist(configuration.settings, parsed))
            case "check":
                _raise_descriptor_limit()
                return _tell(asyncio.run(check(configuration.settings, configuration.ignored)), as_json=parsed.json)
            case "serve":
                _raise_descriptor_limit()
                asyncio.run(_serve(configuration, lambda: config.load(os.environ, flags, parsed.config)))
    except ConfigurationError as error:
        print(f"relay: {error}", file=sys.stderr)
        return EXIT_CONFIGURATION
    except FatalError as error:
        print(f"relay: {error}", file=sys.stderr)
        return EXIT_BROKEN
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Exits with EXIT_CONFIGURATION, as argparse does, when an argument is not known."""
    parser = _parser()
    parsed, unknown = parser.parse_known_args(arguments)
    if unknown:
        name = unknown[0].partition("=")[0].removeprefix("--").replace("-", "_")
        near = "" if parsed.command in ("probe", "size", "keys") else config.near(name, "flag")
        parser.error(f"{' '.join(unknown)} is not known.{near} `relay {parsed.command} --help` lists what is.")
    return parsed


def _parser() -> argparse.ArgumentParser:
    settings = argparse.ArgumentParser(add_help=False)
    settings.add_argument("--config", metavar="FILE", help="TOML file with settings")
    for name in config.names():
        settings.add_argument("--" + name.replace("_", "-"), dest=name, metavar="VALUE", help=config.describe(name))
    parser = argparse.ArgumentParser(prog="relay", description="Random video chat through a media relay.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("serve", parents=[settings], help="run the server")
    commands.add_parser("config", parents=[settings], help="print the effective settings and where each came from")
    report = argparse.ArgumentParser(add_help=False)
    report.add_argument("--json", action="store_true", help="for machines")
    commands.add_parser(
        "check", parents=[settings, report], help="what stands between people and this server; on its own host"
    )
    store = commands.add_parser("store", help="look after the database: see it, bring it up to date, copy it")
    orders = store.add_subparsers(dest="order", required=True)
    for order, meaning in ORDERS.items():
        command = orders.add_parser(order, parents=[settings], help=meaning, description=meaning)
        if order in ("backup", "restore"):
            command.add_argument("file", type=Path)
    secret = commands.add_parser("keys", help="look after a file of secret keys that several servers share")
    turns = secret.add_subparsers(dest="order", required=True)
    for order, meaning in KEYS.items():
        turns.add_parser(order, help=meaning, description=meaning).add_argument("file", type=Path)
    _add_audit(commands, settings)
    _add_staff(commands, settings)
    remote = commands.add_parser("probe", parents=[report], help="the same, from another machine")
    remote.add_argument("url", help="the page's address, such as chat.example.org")
    remote.add_argument("--insecure", action="store_true", help="take any certificate, such as a self-signed one")
    size.add_arguments(
        commands.add_parser("size", help="what so many people take of machines, and what to set for them")
    )
    return parser


def _add_audit(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", settings: argparse.ArgumentParser
) -> None:
    audit = commands.add_parser("audit", help="what the operator and the staff did: print it, and check it")
    orders = audit.add_subparsers(dest="order", required=True)
    parsers = {
        order: orders.add_parser(order, parents=[settings], help=meaning, description=meaning)
        for order, meaning in AUDIT_ORDERS.items()
    }
    parsers["show"].add_argument("--latest", type=int, metavar="N", help="only the latest so many")
    parsers["verify"].add_argument("file", type=Path, nargs="?", help="what `relay audit show` has printed")
    parsers["verify"].add_argument("--key", metavar="KEY", help="the public key, if it is not this server's own")


def _add_staff(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", settings: argparse.ArgumentParser
) -> None:
    staff = commands.add_parser("staff", help="who looks after the place: let somebody in, list them, remove one")
    orders = staff.add_subparsers(dest="order", required=True)
    for order, meaning in STAFF_ORDERS.items():
        command = orders.add_parser(order, parents=[settings], help=meaning, description=meaning)
        if order != "list":
            command.add_argument("name", help="what they are called, also in the audit log")
        if order in ("add", "link"):
            command.add_argument("--url", help="where the page is, such as https://chat.example.org")
        if order == "add":
            command.add_argument(
                "--role", required=True, help="moderator, operator or auditor; several with commas between"
            )


def _enlist(settings: Settings, parsed: argparse.Namespace) -> str:
    """What was done, or who there is, in words."""
    try:
        match parsed.order:
            case "add":
                return enlisting.add(settings, parsed.name, enlisting.roles_of(parsed.role), parsed.url)
            case "link":
                return enlisting.open_link(settings, parsed.name, parsed.url)
            case "list":
                return enlisting.show(settings)
            case _:
                return enlisting.remove(settings, parsed.name)
    except (SQLAlchemyError, OSError) as cause:
        raise _unreachable(cause) from cause


def _inspect(settings: Settings, parsed: argparse.Namespace) -> int:
    try:
        match parsed.order:
            case "show":
                for line in inspection.show(settings, parsed.latest):
                    print(line.decode())
            case "key":
                print(inspection.public_key(settings))
            case _:
                verdict = inspection.verify(settings, file=parsed.file, key=parsed.key)
                print(verdict.words)
                return 0 if verdict.is_whole else EXIT_BROKEN_CHAIN
    except (SQLAlchemyError, OSError) as cause:
        raise _unreachable(cause) from cause
    return 0


def _look_after(settings: Settings, parsed: argparse.Namespace) -> str:
    """What was done, or what there is, in words."""
    state = settings.state
    url = database.locate(state.database, state.folder)
    try:
        match parsed.order:
            case "status":
                return upkeep.status(url)
            case "migrate":
                return upkeep.bring_up_to_date(url)
            case "backup":
                done = upkeep.back_up(url, parsed.file)
                inspection.note(settings, "store_copied", detail={"file": parsed.file.name})
                return done
            case _:
                done = upkeep.restore(url, parsed.file)
                # In what is there now: what was noted since the copy was made is gone with the rest.
                inspection.note(settings, "store_restored", detail={"file": parsed.file.name})
                return done
    except (SQLAlchemyError, OSError) as cause:
        raise _unreachable(cause) from cause


def _unreachable(cause: Exception) -> ConfigurationError:
    return ConfigurationError(f"The database can't be reached: {database.in_words(cause)}.")


def _look_after_keys(order: str, file: Path) -> int:
    try:
        if order == "make":
            if file.exists():
                raise ConfigurationError(f"{file} is there already: `relay keys turn {file}` has another key sign.")
            keys.make(file, keys.Document.new(today()))
            print(f"{file} was made. Copy it to every server, and name it in RELAY_KEYS_FILE.")
        else:
            keys.replace(file, keys.read(file).turned(today()))
            print(f"Another key signs. Copy {file} to every server: they read it within a minute.")
    except (ConfigurationError, OSError) as error:
        print(f"relay: {error}", file=sys.stderr)
        return EXIT_CONFIGURATION
    return 0


def _tell(findings: Sequence[Finding], *, as_json: bool) -> int:
    print(in_json(findings) if as_json else in_words(findings))
    return exit_code(findings)


def _print(configuration: config.Configuration) -> None:
    for name, value, origin in config.display(configuration):
        print(f"{name} = {value or '(none)'}  # {origin}")
    if configuration.ignored:
        print(f"# {injected(configuration.ignored)}")


def _raise_descriptor_limit() -> None:
    """Every visitor is a socket: take as many descriptors as the system lets us."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def _serve(configuration: config.Configuration, read_again: Callable[[], config.Configuration]) -> None:
    orders = app.Orders(drain=asyncio.Event(), stop=asyncio.Event(), reload=asyncio.Event())

    def terminate() -> None:
        """The first SIGTERM drains, a second one ends at once."""
        (orders.stop if orders.drain.is_set() else orders.drain).set()

    def reload() -> None:
        """SIGHUP: what may change while the server runs is read again; what is wrong changes nothing."""
        try:
            again = read_again().settings
        except ConfigurationError as error:
            log.warning("not_reloaded", cause=str(error))
        else:
            logging.set_level(again.logs.log_level)
            before = dict(configuration.settings.items())
            changed = [name for name, value in again.items() if value != before[name]]
            kept = ", ".join(name for name in changed if name != "log_level")
            log.info("reloaded", log_level=again.logs.log_level.value, **({"needs_a_restart": kept} if kept else {}))
        orders.reload.set()

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, terminate)
    loop.add_signal_handler(signal.SIGINT, orders.stop.set)
    loop.add_signal_handler(signal.SIGHUP, reload)
    await app.serve(configuration.settings, orders, lambda relay: tell(configuration, relay))
