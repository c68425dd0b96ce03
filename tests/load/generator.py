"""Builds and runs the load generator of this folder, and reads what it reports."""

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

FOLDER = Path(__file__).parent
BINARIES = FOLDER / "target" / "release"
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
    acts: dict[str, int]
    failures: dict[str, int]
    generator_core_percent: float


class _Line(msgspec.Struct, frozen=True):
    phase: str | None = None
    report: Report | None = None


class GeneratorError(Exception):
    """The generator did not come to a report."""


def build() -> None:
    """Compile, if something changed."""
    manifest = FOLDER / "Cargo.toml"
    subprocess.run(["cargo", "build", "--quiet", "--release", "--locked", "--manifest-path", manifest], check=True)


def play(
    route: str,
    server: str,
    *options: str,
    core: int | None = None,
    on_phase: Callable[[str], None] = lambda phase: None,
) -> Report:
    """Run the generator to its end. `on_phase` hears of each phase at once."""
    command: Sequence[str] = [str(LOADGEN), route, "--server", server, "--json", *options]
    if core is not None:
        command = ["taskset", "--cpu-list", str(core), *command]
    report = None
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for text in process.stdout:
            line = msgspec.json.decode(text, type=_Line)
            if line.phase is not None:
                on_phase(line.phase)
            report = line.report or report
    if report is None:
        raise GeneratorError(f"the load generator ended with code {process.returncode}")
    return report
