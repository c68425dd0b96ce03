"""What the system says of this process: CPU and run delay of its threads, memory, and the limits of both.

Reads /proc and the cgroup (Linux). Where they are not there, figures are left out, never made up.
"""

import os
import resource
from pathlib import Path
from typing import NamedTuple

TASKS = Path("/proc/self/task")
STATM = Path("/proc/self/statm")
CGROUP = Path("/sys/fs/cgroup")
OWN_CGROUP = Path("/proc/self/cgroup")
TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


class ThreadTimes(NamedTuple):
    """Seconds since the threads of one name began: on a CPU, and ready to run but without one."""

    cpu: float
    delayed: float


def cpu_seconds() -> float:
    """Of the whole process, user and system."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def resident_bytes() -> int:
    """Memory that the process holds; 0 where the system doesn't tell."""
    text = _read(STATM)
    return int(text.split()[1]) * PAGE if text else 0


def threads() -> dict[str, ThreadTimes]:
    """Of the event loop (`loop`), of each media thread (`media-0`...), and of all others together (`other`)."""
    found: dict[str, ThreadTimes] = {}
    for task in TASKS.iterdir() if TASKS.is_dir() else ():
        stat, delays = _read(task / "stat"), _read(task / "schedstat")
        if not stat:
            continue  # it ended meanwhile
        # The name is in brackets and may hold anything; the fields are those after the last bracket.
        name, _, rest = stat.partition("(")[2].rpartition(")")
        fields = rest.split()
        group = "loop" if task.name == str(os.getpid()) else name if name.startswith("media-") else "other"
        before = found.get(group, ThreadTimes(0.0, 0.0))
        found[group] = ThreadTimes(
            before.cpu + (int(fields[11]) + int(fields[12])) / TICK,
            before.delayed + (int(delays.split()[1]) / 1e9 if delays else 0.0),
        )
    return found


def cpu_limit() -> float:
    """Cores that the process may use."""
    limits = [float(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)]
    for folder in _cgroups("cpu"):
        quota, _, period = _read(folder / "cpu.max").partition(" ")
        quota, period = quota or _read(folder / "cpu.cfs_quota_us"), period or _read(folder / "cpu.cfs_period_us")
        if quota.strip().isdigit() and period.strip().isdigit():
            limits.append(int(quota) / int(period))
    return min(limits)


def memory_limit() -> int:
    """Bytes that the process may use: its cgroup's limit, or the machine's memory."""
    limits = [PAGE * os.sysconf("SC_PHYS_PAGES")]
    for folder in _cgroups("memory"):
        limit = _read(folder / "memory.max").strip() or _read(folder / "memory.limit_in_bytes").strip()
        if limit.isdigit() and int(limit) > 0:
            limits.append(int(limit))
    return min(limits)


def _cgroups(controller: str) -> list[Path]:
    """Folders of the process's own cgroup in version 2 and 1; in a container they are the roots."""
    folders = [CGROUP, CGROUP / controller]
    for line in _read(OWN_CGROUP).splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers:
            folders.append(CGROUP / path.lstrip("/"))
        elif controller in controllers.split(","):
            folders.append(CGROUP / controller / path.lstrip("/"))
    return folders


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
