"""Why somebody was kept out."""

from enum import StrEnum


class Reason(StrEnum):
    """Why somebody was kept out, or counts for somebody else. Names in logs, metrics and the console."""

    ORIGIN = "origin_refused"
    HOST = "host_refused"
    WEBSOCKET = "websocket_not_passed_on"
    UNTRUSTED_PROXY = "proxy_not_trusted"
    SILENT_PROXY = "proxy_names_nobody"
    BROKEN_PROXY_HEADER = "proxy_header_broken"
    CONNECTIONS = "too_many_connections"
    ADDRESS_RATE = "address_too_often"
    FULL = "server_full"
    DRAINING = "server_draining"
    DESCRIPTORS = "out_of_descriptors"
    OFFER = "offer_refused"
    NO_CHECK = "no_check"
    NO_HANDSHAKE = "dtls_failed"
    CROWDED_OUT = "crowded_out"
