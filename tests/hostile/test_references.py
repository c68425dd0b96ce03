"""What the security documents name exists: a proof that nobody can find proves nothing."""

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = ("tests/hostile/README.md", "SECURITY.md")
SOURCES = ("relay", "tests", "docker", "docs")
BUILT = {"target", "node_modules", "static"}
FILE = re.compile(r"[\w./-]+\.(?:py|rs|md|conf)")
PROOF = re.compile(r"([\w./-]+\.py)::(\w+)")
RUST = re.compile(r"[a-z]+(?:_[a-z]+){4,}")
"""A Rust test on its own: a sentence."""


@cache
def files() -> list[Path]:
    every = [ROOT / "SECURITY.md"]
    for source in SOURCES:
        every += (path for path in (ROOT / source).rglob("*") if path.is_file() and not BUILT & set(path.parts))
    return every


def named(file: str) -> list[Path]:
    """Files of this name, which may begin with folders."""
    return [path for path in files() if f"/{path.relative_to(ROOT)}".endswith(f"/{file}")]


def missing(text: str) -> list[str]:
    """Everything in back quotes that looks like a file or a test and is none."""
    absent = []
    for word in re.findall(r"`([^`]+)`", text):
        if proof := PROOF.fullmatch(word):
            file, name = proof.groups()
            definition = re.compile(rf"^(?:async )?(?:def|class) {name}\b", re.MULTILINE)
            found = any(definition.search(path.read_text()) for path in named(file))
        elif FILE.fullmatch(word):
            found = bool(named(word))
        elif RUST.fullmatch(word):
            found = any(f"fn {word}(" in path.read_text() for path in files() if path.suffix == ".rs")
        else:
            found = "::" not in word and "..." not in word
        if not found:
            absent.append(word)
    return absent


@pytest.mark.parametrize("document", DOCUMENTS)
def test_everything_that_a_security_document_names_exists(document: str) -> None:
    assert missing((ROOT / document).read_text()) == []


def test_what_does_not_exist_is_found() -> None:
    absent = ["test_http.py::test_no_such_thing", "no_such.py", "nobody_has_ever_written_this_test", "test_lies_..."]
    assert missing(" ".join(f"`{word}`" for word in [*absent, "test_http.py"])) == absent
