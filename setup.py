"""The two build steps that are not plain Python. Everything else is in pyproject.toml.

They meet here because a `cmdclass` in pyproject.toml would replace the one that setuptools-rust
brings, and the native core would silently be left out.
"""

import sys
from pathlib import Path

from setuptools import setup

sys.path.insert(0, str(Path(__file__).parent))

from relay.web.build import BuildWithClient

setup(cmdclass={"build_py": BuildWithClient})
