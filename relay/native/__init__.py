"""The native forwarding core (Rust, `src/`), where it is built.

It is optional: without a Rust toolchain the package installs all the same and serves on the frames
engine. `BUILT` says which it is; `Core` and the report kinds exist only where it is true.
"""

try:
    from relay.native._core import DIED, DTLS, FLOW_HEARD, FLOW_LOST, FLOW_QUIET, FLOW_SELECTED, NO_COMMON_CODEC, Core
except ImportError:
    BUILT = False
else:
    BUILT = True

__all__ = ["BUILT", "DIED", "DTLS", "FLOW_HEARD", "FLOW_LOST", "FLOW_QUIET", "FLOW_SELECTED", "NO_COMMON_CODEC", "Core"]
