"""The modules of the native core use each other one way, as Python's do for import-linter. Read from the source."""

import re
from collections import defaultdict
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "relay/native/src"

FLOORS = (
    ("python",),
    ("threads",),
    ("net", "exchange"),
    ("forward", "ice", "turn"),
    ("feedback", "srtp", "outbox"),
    ("allowance", "counters"),
    ("wire", "tls", "cache"),
    ("ids", "path", "time"),
)
"""Each uses only what is below it. Those of one floor know nothing of each other."""

FLOOR = {module: -number for number, modules in enumerate(FLOORS) for module in modules}

COMMENT = re.compile(r"//.*")
WHOLE_CRATE = re.compile(r"\bcrate::(\w+)")
SIBLING = re.compile(r"\bsuper::(\w+)")


def code_of(file: Path) -> str:
    return COMMENT.sub("", file.read_text())


def uses() -> Iterator[tuple[str, str]]:
    """Which module at the top uses which."""
    for file in SOURCE.rglob("*.rs"):
        module = file.relative_to(SOURCE).parts[0].removesuffix(".rs")
        if module != "lib":
            yield from ((module, used) for used in WHOLE_CRATE.findall(code_of(file)) if used != module)


def inside(folder: Path) -> dict[str, set[str]]:
    """Which file of a folder uses which other of it, without tests, and without what belongs to all of the folder."""
    siblings = {file.stem for file in folder.glob("*.rs")} - {"mod"}
    graph = defaultdict(set)
    for file in folder.glob("*.rs"):
        if file.stem != "mod" and not file.stem.endswith("tests"):
            code = code_of(file).partition("mod tests {")[0]
            named = {*SIBLING.findall(code), *re.findall(rf"\bcrate::{folder.name}::(\w+)", code)}
            graph[file.stem] = (named & siblings) - {file.stem}
    return graph


def test_every_module_has_a_floor_and_every_floor_its_modules() -> None:
    assert set(FLOOR) == {path.stem for path in SOURCE.iterdir()} - {"lib"}


def test_modules_use_only_what_is_below_them() -> None:
    assert {f"{user} uses {used}" for user, used in uses() if FLOOR[used] >= FLOOR[user]} == set()
    assert ("threads", "exchange") in set(uses()), "or nothing was read"


@pytest.mark.parametrize("folder", sorted(path.name for path in SOURCE.iterdir() if path.is_dir()))
def test_no_two_files_of_a_module_use_each_other(folder: str) -> None:
    graph = inside(SOURCE / folder)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as cycle:
        pytest.fail(" uses ".join(cycle.args[1]))
