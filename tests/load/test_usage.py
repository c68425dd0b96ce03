"""What is told of a server's memory is its own doing, not that of others who run the same program."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.bench.usage import own_kib

HOLDER = """
import mmap, sys
with open(sys.argv[1], "rb") as file:
    library = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
read = sum(library[::4096])
held = bytearray(int(sys.argv[2]) << 20)
print(flush=True)
sys.stdin.read()
"""
"""Maps a file as a library is mapped, and holds so many MiB until its input ends."""


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """32 MiB."""
    file = tmp_path / "library"
    file.write_bytes(b"1" * (32 << 20))
    return file


@contextmanager
def held(library: Path, mebibytes: int) -> Iterator[int]:
    """The process that holds them."""
    command = [sys.executable, "-c", HOLDER, str(library), str(mebibytes)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid
        process.stdin.close()


def test_a_server_s_memory_does_not_shrink_when_another_one_starts(library: Path) -> None:
    with held(library, 1) as first:
        alone = own_kib(first)
        with held(library, 1):
            # It goes on for a moment after it has told that it holds them.
            assert abs(own_kib(first) - alone) < 1_024


def test_what_a_server_holds_is_told(library: Path) -> None:
    with held(library, 1) as little, held(library, 65) as much:
        assert abs(own_kib(much) - own_kib(little) - 64 * 1_024) < 1_024
