"""Random video chat whose media always gets through: a WebRTC relay, pairing and client in one server."""

__version__ = "0.1.0"
