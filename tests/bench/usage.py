"""What a process and a core have used, from the kernel's books."""

import os
import time
from pathlib import Path


def cpu_seconds(pid: int) -> float:
    """User and kernel time of all threads of a process, ended ones too, to the nanosecond.

    /proc/PID/stat has the same sum in ticks of 10 ms, too coarse for small loads. This is the
    process's CPU clock: clock_getcpuclockid(3) makes its id in this way.
    """
    return time.clock_gettime((~pid << 3) | 2)


def own_kib(pid: int) -> int:
    """Memory that a process has for itself: heap and stacks, no files.

    Its share of libraries' pages (Pss) would fall when another server starts and maps them, too. What the kernel
    holds in socket buffers is in neither.
    """
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Anonymous:"):
            return int(line.split()[1])
    raise ValueError(f"the kernel does not tell the memory of process {pid}")


def core_seconds(core: int) -> float:
    """For how long a core was busy since the machine started, with anything."""
    for line in Path("/proc/stat").read_text().splitlines():
        name, *ticks = line.split()
        if name == f"cpu{core}":
            user, nice, system, _idle, _iowait, irq, softirq, steal, *_ = map(int, ticks)
            return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")
    raise ValueError(f"there is no core {core}")
