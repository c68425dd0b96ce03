"""The configuration: `load` reads it, `Settings` holds it in groups."""

from relay.config.names import SECRETS, describe, names, written
from relay.config.settings import Settings
from relay.config.sources import Configuration, display, load, near

__all__ = ["SECRETS", "Configuration", "Settings", "describe", "display", "load", "names", "near", "written"]
