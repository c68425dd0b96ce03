"""Builds and runs the load generator of `tests/load`, and reads what it reports."""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import msgspec

FOLDER = Path(__file__).parents[1] / "load"
BINARIES = Path(os.environ.get("CARGO_TARGET_DIR", FOLDER.parents[1] / "target")) / "debug"
"""Where cargo puts what it builds (`.cargo/config.toml`)."""
LOADGEN = BINARIES / "loadgen"
FORWARDER = BINARIES / "forwarder"

FAULTY = 1
"""Exit code of a run that was played to the end and found faults."""


class Quantiles(msgspec.Struct, frozen=True):
    """Milliseconds; None where nothing was timed."""

    count: int
    p50: float | None
    p95: float | None
    p99: float | None
    max: float | None


class Hop(msgspec.Struct, frozen=True):
    """SRTP and SRTCP on people's links in one direction, in the whole run."""

    datagrams: int
    passed: int
    rtp: int
    rtp_lost: int


class Report(msgspec.Struct, frozen=True):
    """`src/report.rs` says what the fields mean."""

    people: int
    seconds: float
    join_ms: Quantiles
    first_keyframe_ms: Quantiles
    latency_ms: Quantiles
    send_late_ms: Quantiles
    sent: int
    delivered: int
    received: int
    loss: float | None
    gaps: float | None
    duplicates: int
    reordered: int
    corrupt: int
    wrong_person: int
    undecryptable: int
    malformed: int
    unknown_stream: int
    dropped: int
    up: Hop
    down: Hop
    packets_per_person: float
    keyframes_asked: int
    retransmissions: int
    nacks: int
    recovered: int
    pairings: int
    chat_read: int
    resumed: int
    restarted: int
    acts: dict[str, int]
    failures: dict[str, int]
    generator_core_percent: float


class _Line(msgspec.Struct, frozen=True):
    phase: str | None = None
    received: int = 0
    report: Report | None = None


class GeneratorError(Exception):
    """The generator did not come to a report."""


def build() -> None:
    """Compile, if something changed."""
    manifest = FOLDER / "Cargo.toml"
    subprocess.run(["cargo", "build", "--quiet", "--locked", "--manifest-path", manifest], check=True)


OnPhase = Callable[[str, int], None]
"""Hears of each phase at once, and how many packets have been received while it was measured so far."""


def play(
    route: str, server: str, *options: str, core: int | None = None, on_phase: OnPhase = lambda phase, received: None
) -> Report:
    """Run the generator to its end."""
    with subprocess.Popen(_command(route, server, *options, core=core), stdout=subprocess.PIPE) as process:
        return _report(process, on_phase)


class Player:
    """A generator whose people are connected, and that measures when it is told to."""

    def __init__(self, process: subprocess.Popen[bytes], on_phase: OnPhase) -> None:
        self._process = process
        self._on_phase = on_phase

    def measure(self) -> None:
        """Have people talk for as long as the options say, then rest."""
        _input(self._process).write(b"\n")
        _input(self._process).flush()
        self.rest()

    def rest(self) -> None:
        """Wait until everybody rests."""
        for line in _lines(self._process):
            if line.phase is not None:
                self._on_phase(line.phase, line.received)
            if line.phase == "resting":
                return
        raise GeneratorError(f"the load generator ended with code {self._process.wait()}")

    def finish(self) -> Report:
        """What came of all measurements together."""
        _input(self._process).close()
        return _report(self._process, self._on_phase)


@contextmanager
def stand_by(route: str, server: str, *options: str, core: int, on_phase: OnPhase) -> Iterator[Player]:
    """Let people connect, and rest."""
    command = _command(route, server, "--on-command", *options, core=core)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            player = Player(process, on_phase)
            player.rest()
            yield player
        finally:
            process.terminate()


def _command(route: str, server: str, *options: str, core: int | None) -> list[str]:
    command = [str(LOADGEN), route, "--server", server, "--json", *options]
    return command if core is None else ["taskset", "--cpu-list", str(core), *command]


def _report(process: subprocess.Popen[bytes], on_phase: OnPhase) -> Report:
    report = None
    for line in _lines(process):
        if line.phase is not None:
            on_phase(line.phase, line.received)
        report = line.report or report
    if report is None:
        raise GeneratorError(f"the load generator ended with code {process.wait()}")
    return report


def _lines(process: subprocess.Popen[bytes]) -> Iterator[_Line]:
    assert process.stdout is not None
    for text in process.stdout:
        yield msgspec.json.decode(text, type=_Line)


def _input(process: subprocess.Popen[bytes]) -> IO[bytes]:
    assert process.stdin is not None
    return process.stdin
