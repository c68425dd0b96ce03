"""What `make run` finds out about a machine before it makes anything, and that a half-made environment is noticed."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ALWAYS = ("sh", "dirname", "id", "printf", "sed", "sort", "head", "tr", "cut", "grep", "uname", "env")
MACHINE: Mapping[str, str] = {
    "make": "echo GNU Make 4.3",
    "python3": 'case "$*" in --version) echo Python 3.11.2 ;; esac',
    "node": 'case "$*" in --version) echo v22.1.0 ;; esac',
    "npm": "",
    "cargo": "",
    "rustc": "echo 'rustc 1.95.0 (abc 2026)'",
    "cc": "",
}
UNAME = "case $1 in -s) echo Linux ;; -m) echo {} ;; esac"


def doctor(bin: Path, programs: Mapping[str, str], *arguments: str) -> tuple[int, str]:
    """What it says on a machine with these programs and no others, to somebody who is not root."""
    for name in ALWAYS:
        (bin / name).symlink_to(shutil.which(name) or name)
    for name, does in {**programs, "id": "echo 1000"}.items():
        (bin / name).unlink(missing_ok=True)
        (bin / name).write_text(f"#!/bin/sh\n{does}\n")
        (bin / name).chmod(0o755)
    done = subprocess.run(
        [ROOT / "scripts/doctor", *arguments], env={"PATH": str(bin)}, capture_output=True, text=True, check=False
    )
    assert not done.stderr
    return done.returncode, done.stdout


@pytest.fixture
def bin(tmp_path: Path) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    return folder


def without(*names: str, **others: str) -> dict[str, str]:
    return {name: does for name, does in {**MACHINE, **others}.items() if name not in names}


def test_a_machine_that_has_everything_is_told_nothing(bin: Path) -> None:
    assert doctor(bin, MACHINE, "--brief", "run") == (0, "")


def test_everything_that_is_lacking_is_named_at_once_with_one_command(bin: Path) -> None:
    python = 'case "$*" in *ensurepip*) exit 1 ;; esac'
    code, said = doctor(bin, without("make", "cargo", "rustc", "cc", python3=python), "--brief", "run")
    assert code == 1
    assert "LACKS    GNU make" in said
    assert "LACKS    Python's venv and pip" in said
    assert "WARNING  Rust" in said
    assert "WARNING  a C compiler" in said
    assert "apt-get install --no-install-recommends cargo-web gcc libc6-dev make python3-venv rustc-web" in said


def test_an_old_python_is_refused(bin: Path) -> None:
    python = 'case "$*" in --version) echo Python 3.9.2 ;; *version_info*) exit 1 ;; esac'
    code, said = doctor(bin, without(python3=python), "--brief", "run")
    assert code == 1
    assert "Python 3.9.2 is too old" in said


@pytest.mark.parametrize("node", ['case "$*" in --version) echo v18.20.4 ;; *) exit 1 ;; esac', None])
def test_node_is_fetched_where_it_is_old_or_not_there(bin: Path, node: str | None) -> None:
    programs = without("node") if node is None else without(node=node)
    code, said = doctor(bin, {**programs, "uname": UNAME.format("x86_64")}, "--brief", "run")
    assert code == 0
    assert "fetches  Node.js" in said
    assert ("v18.20.4 is too old" in said) == (node is not None)


def test_a_machine_for_which_there_is_no_node_is_told_so(bin: Path) -> None:
    code, said = doctor(bin, {**without("node"), "uname": UNAME.format("riscv64")}, "--brief", "run")
    assert code == 1
    assert "LACKS    Node.js" in said


def test_without_rust_the_server_runs_and_is_warned_of(bin: Path) -> None:
    code, said = doctor(bin, without("cargo", "rustc"), "--brief", "run")
    assert code == 0
    assert "WARNING  Rust: without it" in said
    assert "frames engine" in said


def test_rust_that_is_too_old_is_named_with_its_version(bin: Path) -> None:
    code, said = doctor(bin, without(rustc="echo rustc 1.63.0"), "--brief", "run")
    assert code == 0
    assert "1.63.0 is too old" in said


def test_tests_can_not_do_without_rust_and_say_what_is_for_root(bin: Path) -> None:
    code, said = doctor(bin, without("cargo", "rustc"), "--brief", "test")
    assert code == 1
    assert "LACKS    Rust" in said
    assert "LACKS    TURN" in said
    assert "left out test-blocked-udp, test-network" in said
    assert "test_forged_addresses.py" in said


@pytest.mark.parametrize(("pip", "made_anew"), [(True, False), (False, True)])
def test_an_environment_without_pip_is_made_anew(pip: bool, made_anew: bool, tmp_path: Path) -> None:
    for file in ("Makefile", *(str(leaf.relative_to(ROOT)) for leaf in (ROOT / "scripts").iterdir())):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / file, tmp_path / file)
    (tmp_path / "relay/native/src").mkdir(parents=True)
    for file in ("Cargo.toml", "Cargo.lock"):
        (tmp_path / "relay/native" / file).touch()
    (tmp_path / ".venv/bin").mkdir(parents=True)
    python = tmp_path / ".venv/bin/python"
    python.write_text(f"#!/bin/sh\nexit {0 if pip else 1}\n")
    python.chmod(0o755)
    (tmp_path / ".venv/bin/pip").touch()
    planned = subprocess.run(
        ["make", "--dry-run", ".venv/bin/pip"], cwd=tmp_path, env=os.environ, capture_output=True, text=True, check=True
    )
    assert ("venv --clear" in planned.stdout) == made_anew
