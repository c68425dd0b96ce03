"""What is told of a server's memory is its own doing, not that of others who run the same program."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.load.usage import own_kib

HOLDER = "import ssl, sys\nheld = bytearray(int(sys.argv[1]) << 20)\nprint(flush=True)\nsys.stdin.read()"
"""Maps libraries, and holds so many MiB until its input ends."""


@contextmanager
def held(mebibytes: int) -> Iterator[int]:
    """The process that holds them."""
    command = [sys.executable, "-c", HOLDER, str(mebibytes)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid
        process.stdin.close()


def test_a_server_s_memory_does_not_shrink_when_another_one_starts() -> None:
    with held(1) as first:
        alone = own_kib(first)
        with held(1):
            # It goes on for a moment after it has told that it holds them.
            assert abs(own_kib(first) - alone) < 256


def test_what_a_server_holds_is_told() -> None:
    with held(1) as little, held(65) as much:
        assert abs(own_kib(much) - own_kib(little) - 64 * 1_024) < 1_024
