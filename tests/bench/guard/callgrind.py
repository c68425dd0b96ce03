"""Runs a program under callgrind, and reads what it counted.

valgrind plays the same processor everywhere, one without the widest vectors, so cryptography takes the same path on
every x86-64 machine with AVX2. What it counts does not depend on what else the machine does.
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

Function = tuple[str, str]
"""The file of the program or library that has it, and its name."""

_NAMED = re.compile(r"(\w+)=\((\d+)\)(?: (.+))?")
"""A name is written out once, and its number stands for it afterwards (callgrind's format, "Name compression")."""


class Counted(NamedTuple):
    """What a program did."""

    said: str
    """On its standard output."""
    instructions: Counter[Function]
    """By function, without what it called."""


def run(command: Sequence[str], options: Sequence[str], keep: Path | None = None) -> Counted:
    """Count what the command does, with options of callgrind. What that wrote stays as `keep`.

    Raises:
        RuntimeError: it failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "counted"
        done = subprocess.run(
            ["valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={file}", *options, "--", *command],
            env={**os.environ, "PYTHONHASHSEED": "0"},
            capture_output=True,
            text=True,
        )
        if done.returncode != 0 or not file.exists():
            raise RuntimeError(f"{' '.join(command)} failed under valgrind:\n{done.stdout}{done.stderr}")
        if keep is not None:
            shutil.copy(file, keep)
        return Counted(done.stdout, read(file.read_text()))


def read(text: str) -> Counter[Function]:
    """What callgrind wrote, by function."""
    names: dict[tuple[str, str], str] = {}
    here = {"ob": "", "fn": ""}
    found: Counter[Function] = Counter()
    of_a_call = False
    for line in text.splitlines():
        if named := _NAMED.fullmatch(line):
            kind, number, name = named.groups()
            # Callees are numbered with the others.
            kind = kind.removeprefix("c")
            name = names.setdefault((kind, number), name or "")
            if line.startswith(("ob=", "fn=")):
                here[kind] = name
        elif line.startswith("calls="):
            of_a_call = True
        elif line[:1] in ("+", "-", "*") or line[:1].isdigit():
            if not of_a_call:
                found[here["ob"], here["fn"]] += int(line.split()[1])
            of_a_call = False
    return found
