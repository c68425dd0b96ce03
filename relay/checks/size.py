"""`relay size`: its arguments, and what they ask of the model (`sizing.py`)."""

import argparse
import functools
import math
from contextlib import suppress

from relay.checks import sizing


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """All of them but `--people` have what `relay size` takes for usual."""
    usual, node = sizing.Demand(people=1), sizing.Node()
    add = functools.partial(parser.add_argument, metavar="N")
    add("--people", type=_amount, required=True, help="who talk at the same time")
    add("--bitrate", type=_amount, default=usual.bitrate, help="bits a second of each picture (%(default)s)")
    add("--share-by-tcp", type=_share, default=usual.share_by_tcp, help="of the people, 0 to 1 (%(default)s)")
    add("--share-by-turn", type=_share, default=usual.share_by_turn, help="of the people, 0 to 1 (%(default)s)")
    add("--return-within", type=_positive, default=usual.return_within, help="seconds, after a restart (%(default)s)")
    add("--us-per-packet", type=_positive, help="CPU microseconds over UDP, measured on your host")
    add("--ms-per-join", type=_positive, help="CPU milliseconds, measured on your host")
    add("--node-cores", type=_amount, default=node.cores, help="of each machine (%(default)s)")
    add("--node-mbits", type=_positive, default=node.mbits, help="a second, of each machine's network (%(default)s)")


def answer(parsed: argparse.Namespace) -> str:
    """What the model says, for people."""
    demand = sizing.Demand(
        people=parsed.people,
        bitrate=parsed.bitrate,
        share_by_tcp=parsed.share_by_tcp,
        share_by_turn=min(parsed.share_by_turn, 1 - parsed.share_by_tcp),
        return_within=parsed.return_within,
    )
    basis = sizing.Basis().measured(parsed.us_per_packet, parsed.ms_per_join)
    return sizing.in_words(demand, basis, sizing.Node(parsed.node_cores, parsed.node_mbits))


def _amount(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("it has to be a whole number, 1 or more")
    return int(text)


def _positive(text: str) -> float:
    with suppress(ValueError):
        if 0 < (value := float(text)) < math.inf:
            return value
    raise argparse.ArgumentTypeError("it has to be a number above 0")


def _share(text: str) -> float:
    with suppress(ValueError):
        if 0 <= (value := float(text)) <= 1:
            return value
    raise argparse.ArgumentTypeError("it has to be a number from 0 to 1")
