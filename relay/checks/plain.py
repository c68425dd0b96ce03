"""What a library's error means, in words for people: no types, no objects, no lines of C."""

import os
import re
import socket
import ssl

import aiohttp
import msgspec

SOMETHING_ELSE = "something else than this server answers"

_NUMBER = re.compile(r"\[Errno (\d+)\]")


def plain(cause: BaseException) -> str:
    """A clause, without a full stop."""
    match cause:
        case aiohttp.ClientConnectorCertificateError(certificate_error=ssl.SSLCertVerificationError() as error):
            return _certificate(error)
        case aiohttp.WSServerHandshakeError(status=status):
            return f"the handshake is answered with HTTP {status}"
        case aiohttp.ServerDisconnectedError():
            return "it closes the connection without an answer"
        case aiohttp.InvalidURL():
            return "that is no address of a page"
        case aiohttp.ClientConnectorError(os_error=error):
            return plain(error)
        case ssl.SSLCertVerificationError():
            return _certificate(cause)
        case ssl.SSLError(reason=str(reason)):
            return f"TLS fails ({reason.replace('_', ' ').lower()})"
        case TimeoutError():
            return "no answer"
        case EOFError() | ConnectionResetError():
            return "it closes the connection without an answer"
        case socket.gaierror() | UnicodeError():
            return "that name is not known"
        case OSError():
            return _system(cause)
        case aiohttp.ClientPayloadError() | aiohttp.ClientResponseError() | msgspec.MsgspecError() | KeyError():
            return SOMETHING_ELSE
    return str(cause) or type(cause).__name__


def _certificate(error: ssl.SSLCertVerificationError) -> str:
    return f"its certificate is not valid ({error.verify_message.rstrip('.')})"


def _system(cause: OSError) -> str:
    """What the system says. Where several addresses were tried, of the first."""
    number = cause.errno
    if number is None and (found := _NUMBER.search(str(cause))):
        number = int(found[1])
    if number is None:
        return str(cause) or type(cause).__name__
    return os.strerror(number).lower()
