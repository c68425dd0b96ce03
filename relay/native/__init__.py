"""The native forwarding core (Rust, `src/`), where it is built.

It is optional: without a Rust toolchain the package installs all the same and serves on the frames
engine. `BUILT` says which it is; `Core` and its events exist only where it is true.
"""

try:
    from relay.native._core import (
        Core,
        DtlsReceived,
        FlowLost,
        FlowResumed,
        FlowSelected,
        FlowSilent,
        NoCommonCodec,
        ThreadDied,
        TlsConnection,
        TlsContext,
    )
except ImportError:
    BUILT = False
else:
    BUILT = True

__all__ = [
    "BUILT",
    "Core",
    "DtlsReceived",
    "FlowLost",
    "FlowResumed",
    "FlowSelected",
    "FlowSilent",
    "NoCommonCodec",
    "ThreadDied",
    "TlsConnection",
    "TlsContext",
]
