"""What the system says of this process."""

import asyncio
import os
import threading
from pathlib import Path

import pytest

from relay.machine import process
from relay.machine.pulse import RECENT, Pulse


def burn(seconds: float) -> None:
    began = process.cpu_seconds()
    while process.cpu_seconds() - began < seconds:
        pass


def test_the_loops_thread_is_told_from_others() -> None:
    before = process.threads()
    worker = threading.Thread(target=burn, args=(0.2,))
    worker.start()
    worker.join(0.1)
    during = process.threads()
    worker.join()
    burn(0.1)
    assert "other" in during
    assert process.threads()["loop"].cpu > before["loop"].cpu


def test_memory_is_within_its_limit() -> None:
    assert 1_000_000 < process.resident_bytes() < process.memory_limit()


def test_a_containers_limits_win_over_the_machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "memory.max").write_text("268435456\n")
    (tmp_path / "cpu.max").write_text("50000 100000\n")
    monkeypatch.setattr(process, "CGROUP", tmp_path)
    assert process.memory_limit() == 256 * 1024 * 1024
    assert process.cpu_limit() == 0.5


def test_a_services_own_cgroup_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder, files in {
        "system.slice/relay.service": {"memory.max": "300000000", "cpu.max": "max 100000"},
        "memory/docker/x": {"memory.limit_in_bytes": "200000000"},
        "cpu/docker/x": {"cpu.cfs_quota_us": "25000", "cpu.cfs_period_us": "100000"},
    }.items():
        (tmp_path / folder).mkdir(parents=True)
        for name, content in files.items():
            (tmp_path / folder / name).write_text(content + "\n")
    own = tmp_path / "own"
    monkeypatch.setattr(process, "CGROUP", tmp_path)
    monkeypatch.setattr(process, "OWN_CGROUP", own)
    own.write_text("0::/system.slice/relay.service\n")
    assert process.memory_limit() == 300_000_000
    own.write_text("9:memory:/docker/x\n4:cpu,cpuacct:/docker/x\n")
    assert process.memory_limit() == 200_000_000
    assert process.cpu_limit() == 0.25


def test_no_limit_means_the_machines_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "cpu.max").write_text("max 100000\n")
    monkeypatch.setattr(process, "CGROUP", tmp_path)
    assert process.memory_limit() == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert process.cpu_limit() == len(os.sched_getaffinity(0))


def test_the_worst_lag_is_forgotten_after_a_minute() -> None:
    pulse = Pulse(lambda task, failure: None)
    pulse.beat(0.7)
    assert pulse.worst == 0.7
    for _ in range(round(RECENT * 10)):
        pulse.beat(0.001)
    assert pulse.worst == 0.001
    assert pulse.lag.count == 601


async def test_a_blocked_loop_is_late() -> None:
    pulse = Pulse(lambda task, failure: None)
    pulse.start()
    await asyncio.sleep(0)  # it takes its first breath
    burn(0.3)
    async with asyncio.timeout(5):
        while pulse.lag.count == 0:  # noqa: ASYNC110 - nobody announces a beat
            await asyncio.sleep(0.01)
    await pulse.close()
    assert pulse.worst > 0.1
