"""Why a port can't be opened, with what helps."""

import errno
import os

from relay.errors import ConfigurationError


def not_opened(purpose: str, protocol: str, host: str, port: int, cause: OSError) -> ConfigurationError:
    """What stops a start; `purpose` names the port, such as HTTP or media."""
    place = f"{protocol} {host} port {port}"
    return ConfigurationError(f"The {purpose} port can't be opened: {place}: {remedy(protocol, port, cause)}")


def remedy(protocol: str, port: int, cause: OSError) -> str:
    """What is in the way, and what to do; whole sentences."""
    match cause.errno:
        case errno.EADDRINUSE:
            listed = f"ss -l{'u' if protocol == 'UDP' else 't'}pn 'sport = :{port}'"
            return f"Another program uses it: `{listed}` says which. Stop that, or set another RELAY_PORT."
        case errno.EACCES:
            return (
                "Only root may open ports below 1024. Give the right to it (systemd: AmbientCapabilities="
                f"CAP_NET_BIND_SERVICE; else `sysctl net.ipv4.ip_unprivileged_port_start={port}`), or set RELAY_PORT to"
                " 1024 or above."
            )
        case errno.EADDRNOTAVAIL:
            return "It is no address of this host. Correct RELAY_BIND (RELAY_HTTP_BIND, RELAY_MEDIA_BIND)."
        case _:
            return f"{os.strerror(cause.errno or 0)}."
