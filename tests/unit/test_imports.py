"""Who may import what among the tests: the kit knows nobody, the bench the kit, and no test another one."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1]
SHARED = ("kit", "bench")
FILES = sorted(FOLDER.rglob("*.py"))


def imported(file: Path) -> Iterator[str]:
    """The modules of the tests that a file names in its imports; a name out of a module may be one, too."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide where something is from"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        yield from (name for name in names if name.startswith("tests."))


def suite(file: Path) -> str:
    return file.relative_to(FOLDER).parts[0]


def test_every_file_is_looked_at() -> None:
    assert {*SHARED, "unit", "browser", "conftest.py"} <= {suite(file) for file in FILES}


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(FOLDER)))
def test_no_test_is_imported_and_nothing_of_another_suite(file: Path) -> None:
    may = {"kit": {"kit"}, "bench": {"kit", "bench"}, "conftest.py": {"kit"}}.get(suite(file), {*SHARED, suite(file)})
    for name in imported(file):
        _, of, *rest = name.split(".")
        assert of in may, f"{name} belongs to another suite: what several use is in tests/kit"
        assert not any(part.startswith("test_") for part in rest), f"{name} is a test: what several use is a helper"
