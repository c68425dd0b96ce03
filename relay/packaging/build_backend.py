"""The build backend (PEP 517): setuptools, after the client is built, so that a wheel is whole.

A command class of setuptools' would do the same, but takes the place of those that build the native
core. Not a part of the package: build tools load this file by its path.
"""

import subprocess
from pathlib import Path
from typing import Any

from setuptools import build_meta
from setuptools.build_meta import (
    build_editable,
    build_sdist,
    get_requires_for_build_editable,
    get_requires_for_build_sdist,
    get_requires_for_build_wheel,
    prepare_metadata_for_build_editable,
    prepare_metadata_for_build_wheel,
)

CLIENT = Path("client")
BUILT = Path("relay/web/static/index.html")

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
]


def build_wheel(
    wheel_directory: str, config_settings: dict[str, Any] | None = None, metadata_directory: str | None = None
) -> str:
    """A wheel with the client in it: built by npm, unless that was done already."""
    if not BUILT.is_file():
        for command in (["npm", "ci"], ["npm", "run", "build"]):
            subprocess.run(command, cwd=CLIENT, check=True)  # noqa: S603 - two constant commands
    return build_meta.build_wheel(wheel_directory, config_settings, metadata_directory)
