"""Stops one thread of a child process, as a loop or a system call without end would (ptrace(2))."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SEIZE, _INTERRUPT = 0x4206, 0x4207
_WALL = 0x4000_0000
"""Wait for threads, too."""

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long


def _ptrace(request: int, thread: int) -> None:
    if _libc.ptrace(request, thread, None, None) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


@contextmanager
def stopped_thread(process: int, name: str) -> Iterator[None]:
    """The thread of this name stands still until it is killed together with its process, for which this waits."""
    threads = Path(f"/proc/{process}/task").iterdir()
    thread = next(int(each.name) for each in threads if (each / "comm").read_text().strip() == name)
    _ptrace(_SEIZE, thread)
    _ptrace(_INTERRUPT, thread)
    _, status = os.waitpid(thread, _WALL)
    assert os.WIFSTOPPED(status)
    yield
    # The process is not gone for anybody before its tracer has seen this.
    os.waitpid(thread, _WALL)
