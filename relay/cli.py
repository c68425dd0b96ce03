"""The command line: `relay serve`, `config`, `check` and `probe`."""

import argparse
import asyncio
import os
import resource
import signal
import sys
from collections.abc import Sequence

from relay import __version__, app, config
from relay.checks.finding import Finding, exit_code, in_json, in_words
from relay.checks.probe import probe
from relay.checks.run import check
from relay.errors import ConfigurationError, FatalError
from relay.observe import logging
from relay.observe.pseudonyms import own_addresses

EXIT_CONFIGURATION = 2
EXIT_BROKEN = 70
"""EX_SOFTWARE of sysexits(3): start another."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    parsed = _parser().parse_args(arguments)
    if parsed.command == "probe":
        # The server is elsewhere: what is set here is none of its business.
        return _tell(asyncio.run(probe(parsed.url, insecure=parsed.insecure)), as_json=parsed.json)
    flags = {name: value for name in config.names() if (value := getattr(parsed, name)) is not None}
    try:
        configuration = config.load(os.environ, flags, parsed.config)
        match parsed.command:
            case "config":
                _print(configuration)
            case "check":
                _raise_descriptor_limit()
                return _tell(asyncio.run(check(configuration.settings)), as_json=parsed.json)
            case "serve":
                settings = configuration.settings
                own = {*own_addresses(), *settings.public_address}
                logging.configure(settings.log_level, settings.log_format, own)
                _raise_descriptor_limit()
                asyncio.run(_serve(settings))
    except ConfigurationError as error:
        print(f"relay: {error}", file=sys.stderr)
        return EXIT_CONFIGURATION
    except FatalError as error:
        print(f"relay: {error}", file=sys.stderr)
        return EXIT_BROKEN
    return 0


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
    remote = commands.add_parser("probe", parents=[report], help="the same, from another machine")
    remote.add_argument("url", help="the page's address, such as chat.example.org")
    remote.add_argument("--insecure", action="store_true", help="take any certificate, such as a self-signed one")
    return parser


def _tell(findings: Sequence[Finding], *, as_json: bool) -> int:
    print(in_json(findings) if as_json else in_words(findings))
    return exit_code(findings)


def _print(configuration: config.Configuration) -> None:
    for name, value, origin in config.display(configuration):
        print(f"{name} = {value or '(none)'}  # {origin}")


def _raise_descriptor_limit() -> None:
    """Every visitor is a socket: take as many descriptors as the system lets us."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def _serve(settings: config.Settings) -> None:
    orders = app.Orders(drain=asyncio.Event(), stop=asyncio.Event())

    def terminate() -> None:
        """The first SIGTERM drains, a second one ends at once."""
        (orders.stop if orders.drain.is_set() else orders.drain).set()

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, terminate)
    loop.add_signal_handler(signal.SIGINT, orders.stop.set)
    await app.serve(settings, orders)
