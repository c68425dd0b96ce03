"""Counts the instructions that a forwarded packet and a join take, and fails where there are more than were noted.

`make guard` runs it. Seconds depend on the machine and on what else it does; instructions under callgrind hardly do, so
3 % more is a change of the code. They depend on compilers, too: with others than those that are noted with a figure the
bound is wider, and on another kind of processor nothing is compared. A join is counted in the same way and not by what
Python executes: that would be alike in every build of it, but a handshake or a regular expression would be one call
like any other.
"""

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.bench.guard import callgrind

ROOT = Path(__file__).parents[3]
CORE = ROOT / "relay/native/Cargo.toml"
MARKS = Path(__file__).with_name("marks.c")
BUILT = ROOT / "target/guard"
NOTED = Path(__file__).with_name("noted.json")

BOUND = 0.03
"""More than was noted, as a share of it, at which the guard fails. Two counts of the same code differ by 0.001."""
OTHER_TOOLS = 0.25
"""The same where compilers are others than those of the noted figure. Two builds of one Python differed by 0.09."""

OPTIMIZED = {
    "opt-level": "3",
    "codegen-units": "1",
    "debug-assertions": "false",
    "overflow-checks": "false",
    "debug": "0",
}
"""The core as it is served, but for link-time optimization; only the core, as what it uses is compiled for tests."""

REMEDY = (
    "Where they are: `make guard KEEP=now`, then `make guard KEEP=before` on the commit before, and `callgrind_annotate"
    " --inclusive=yes` on the files in both folders. If they are worth it, `make guard NOTE=1` notes the new figures,"
    " and the commit says why."
)


@dataclass(frozen=True, slots=True)
class Figure:
    """What one thing takes."""

    instructions: int
    tools: str
    """What it was compiled with."""
    processor: str
    """For which kind."""


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--note", action="store_true", help="note what is counted, in the place of what was noted")
    parser.add_argument(
        "--keep", type=Path, metavar="FOLDER", help="leave what callgrind wrote, for callgrind_annotate"
    )
    chosen = parser.parse_args()
    counted = dict(count(chosen.keep))
    if chosen.note:
        NOTED.write_text(json.dumps({name: asdict(figure) for name, figure in counted.items()}, indent=2) + "\n")
    noted = {name: Figure(**of) for name, of in json.loads(NOTED.read_text()).items()}
    for name, figure in counted.items():
        print(f"{name:21}{figure.instructions:11,} instructions, {beside(figure, noted[name])}")
    failures = list(judge(counted, noted))
    for failure in failures:
        print(textwrap.fill(failure, 100), file=sys.stderr)
    return 1 if failures else 0


def count(keep: Path | None) -> Iterator[tuple[str, Figure]]:
    """A packet on its way through the core, without and within cryptography, and a join in Python."""
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
    processor = f"{platform.machine()}{' with AVX2' if 'avx2' in Path('/proc/cpuinfo').read_text() else ''}"
    program = build_core()
    packets = callgrind.run(
        [program, "all_that_is_counted_reaches_the_other", "--nocapture", "--test-threads=1"],
        ["--toggle-collect=*counted*step*"],
        keep and keep / "packet",
    )
    number = said(r"(\d+) packets were forwarded", packets.said)
    sealing = sum(spent for of, spent in packets.instructions.items() if is_cryptography(program, of))
    compiler = " ".join(output("rustc", "--version").split()[:2])
    yield "packet", Figure((packets.instructions.total() - sealing) // number, compiler, processor)
    yield "packet, cryptography", Figure(sealing // number, compiler, processor)
    joins = callgrind.run(
        [sys.executable, "-m", "tests.bench.guard.joins", build_marks()],
        ["--instr-atstart=no"],
        keep and keep / "join",
    )
    number = said(r"(\d+) people joined", joins.said)
    yield "join", Figure(joins.instructions.total() // number, f"Python {sys.version}", processor)


def judge(counted: dict[str, Figure], noted: dict[str, Figure]) -> Iterator[str]:
    """What is too much, and what to do about it."""
    for name, figure in counted.items():
        before = noted[name]
        if is_elsewhere(figure, before):
            continue
        alike = figure.tools == before.tools
        bound = BOUND if alike else OTHER_TOOLS
        more = figure.instructions / before.instructions - 1
        if more > bound:
            other = "" if alike else f" (with {figure.tools}; noted with {before.tools})"
            yield f"A {name} takes {more:.1%} more instructions than noted; {bound:.0%} is the bound{other}. {REMEDY}"


def beside(figure: Figure, noted: Figure) -> str:
    """How it stands to what was noted, in words."""
    if is_elsewhere(figure, noted):
        return f"not compared with those of {noted.processor}"
    return f"{figure.instructions / noted.instructions - 1:+.1%} of what is noted"


def is_elsewhere(figure: Figure, noted: Figure) -> bool:
    """Whether it is of another kind of processor, whose instructions do more or less."""
    return figure.processor != noted.processor


def is_cryptography(program: str, function: callgrind.Function) -> bool:
    """Whether it is of aws-lc: in the core's program, in no module of Rust's and nothing that a compiler adds."""
    file, name = function
    return file == program and "::" not in name and not name.startswith(("__", "_R"))


def said(pattern: str, text: str) -> int:
    """The number in what a program printed."""
    found = re.search(pattern, text)
    if found is None:
        raise RuntimeError(f"nothing like {pattern!r} in:\n{text}")
    return int(found[1])


def output(*command: str, **environment: str) -> str:
    return subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment}
    ).stdout


def build_core() -> str:
    """The program of the core's own tests, optimized."""
    settings = [f"--config=profile.dev.package.relay-core.{name}={value}" for name, value in OPTIMIZED.items()]
    tests = ["cargo", "test", "--quiet", "--locked", "--no-run", "--lib", f"--manifest-path={CORE}"]
    messages = output(*tests, "--message-format=json", *settings, CARGO_INCREMENTAL="0")
    programs = [found for line in messages.splitlines() if (found := json.loads(line).get("executable"))]
    return str(programs[-1])


def build_marks() -> str:
    BUILT.mkdir(parents=True, exist_ok=True)
    library = BUILT / "marks.so"
    output("cc", "-shared", "-fPIC", "-O2", "-o", str(library), str(MARKS))
    return str(library)


if __name__ == "__main__":
    sys.exit(main())
