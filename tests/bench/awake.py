"""Keeps cores from falling asleep while something is measured on them.

On a virtual machine a core without work is taken away by the host, and given back up to 10 ms after a packet has woken
it: packets leave late and latency is the host's. A process of the lowest class (SCHED_IDLE, sched(7)) that never
rests holds the core and gives way to anything else at once.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

SPINNER = """
import os, sys
core, parent = map(int, sys.argv[1:])
os.sched_setaffinity(0, {core})
os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
print(flush=True)
while os.getppid() == parent:
    for _ in range(1_000_000):
        pass
"""
"""Ends with the process that began it, however that ends."""


@contextmanager
def awake(cores: Sequence[int]) -> Iterator[dict[int, int]]:
    """The pid of what holds each core. Its time is not the server's: anyone who reads a core's clock leaves it out."""
    spinners: dict[int, subprocess.Popen[bytes]] = {}
    try:
        for core in cores:
            command = [sys.executable, "-c", SPINNER, str(core), str(os.getpid())]
            spinners[core] = subprocess.Popen(command, stdout=subprocess.PIPE)
        for spinner in spinners.values():
            assert spinner.stdout is not None
            spinner.stdout.readline()
        yield {core: spinner.pid for core, spinner in spinners.items()}
    finally:
        for spinner in spinners.values():
            spinner.kill()
            spinner.wait()
