"""Which addresses a port listens on, as the settings write them: none means all. Pure."""

from collections.abc import Sequence

from relay.ledger.addresses import parse

ALL = ("0.0.0.0", "::")  # noqa: S104 - what the settings may say


def holds(hosts: Sequence[str], address: str) -> bool:
    """Whether a port on `hosts` is reached at the address.

    Raises:
        ValueError: it is not an address.
    """
    reached = parse(address)
    every = ALL[0] if reached.version == 4 else ALL[1]
    return not hosts or every in hosts or any(parse(host) == reached for host in hosts)


def together(one: Sequence[str], other: Sequence[str]) -> tuple[str, ...]:
    """Where a port listens that serves both; none, where one of them is to be reached at all addresses.

    An address beside all addresses of its family would be taken already.
    """
    if not one or not other:
        return ()
    every = [host for host in ALL if host in (*one, *other)]
    rest = [host for host in dict.fromkeys((*one, *other)) if host not in ALL and not (every and holds(every, host))]
    return (*every, *rest)
