"""Builds the client when a wheel is made, so that the wheel is whole. Imported by setuptools only."""

import subprocess
from pathlib import Path

from setuptools.command.build_py import build_py

CLIENT = Path("client")
BUILT = Path("relay/web/static/index.html")


class BuildWithClient(build_py):
    """`build_py`, after `npm ci` and `npm run build` unless the client is built already."""

    def run(self) -> None:
        if not self.editable_mode and CLIENT.is_dir() and not BUILT.is_file():
            for command in (["npm", "ci"], ["npm", "run", "build"]):
                subprocess.run(command, cwd=CLIENT, check=True)  # noqa: S603 - two constant commands
        super().run()
