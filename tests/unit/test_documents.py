"""What documents say of each other, of the code and of the Makefile is so."""

import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOT_OURS = {"node_modules", "target", "build", "corpus"}


def files_below(folder: Path) -> Iterator[Path]:
    for child in sorted(folder.iterdir()):
        if child.is_file():
            yield child
        elif child.is_dir() and child.name not in NOT_OURS and not child.name.startswith("."):
            yield from files_below(child)


DOCUMENTS = [file for file in files_below(ROOT) if file.suffix == ".md"]
NAMES = {
    file.name
    for folder in ("relay", "tests", "docker")
    for file in files_below(ROOT / folder)
    if file.suffix in {".py", ".rs"}
}
HISTORY = ROOT / "CHANGELOG.md"
"""What it names was there then."""
DECISIONS = sorted((ROOT / "docs/decisions").glob("*.md"))
LINK = re.compile(r"\]\(([^)\s]+)\)")
QUOTED = re.compile(r"`([^`\n]+)`")
FILE = re.compile(r"[\w.@-]+(/[\w.@-]+)*/?")
OURS = ("relay", "client", "tests", "docs", "docker", "scripts")
SUFFIX = re.compile(r"\.(py|pyi|rs|ts|tsx|css|md|toml|ya?ml|json|conf|sh|mk|lock)$")
WRITTEN = {"docker/.env"}
BUILT = ("relay/web/static", "tests/output")
REMEDIES = [file for file in sorted((ROOT / "relay").rglob("*.py")) if "`make " in file.read_text()]
"""What is told to who has to do something about it."""
PARTS = ("## Context", "## Choice", "## Consequence")


def name(file: Path) -> str:
    return str(file.relative_to(ROOT))


def prose(file: Path) -> str:
    """Without blocks of code."""
    return re.sub(r"^```.*?^```", "", file.read_text(), flags=re.M | re.S)


def anchors(file: Path) -> set[str]:
    """As GitHub makes them of headings."""
    titles = re.findall(r"^#+ (.+)$", file.read_text(), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def named_files(file: Path) -> Iterator[str]:
    """In backquotes, what looks like a path of ours."""
    for quoted in QUOTED.findall(prose(file)):
        path = quoted.partition("::")[0]
        if not FILE.fullmatch(path) or path in WRITTEN or path.startswith(BUILT):
            continue
        if path.startswith(tuple(f"{folder}/" for folder in OURS)):
            yield path
        elif "/" in path and path.endswith(".py"):
            yield f"relay/{path}"
        elif re.fullmatch(r"[a-z0-9_]+\.(py|rs)", path) and path not in NAMES:
            yield path


@pytest.mark.parametrize("file", DOCUMENTS, ids=name)
def test_links_lead_somewhere(file: Path) -> None:
    for link in LINK.findall(prose(file)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (file.parent / path).resolve() if path else file
        assert target.exists(), f"{link} leads nowhere"
        assert not anchor or anchor in anchors(target), f"{link}: there is no such heading"


@pytest.mark.parametrize("file", [file for file in DOCUMENTS if file != HISTORY], ids=name)
def test_files_that_are_named_exist(file: Path) -> None:
    assert not [path for path in named_files(file) if not (ROOT / path).exists()]


@pytest.mark.parametrize("file", [*(file for file in DOCUMENTS if file != HISTORY), *REMEDIES], ids=name)
def test_targets_that_are_named_are_in_the_makefile(file: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", "".join(leaf.read_text() for leaf in makefiles()), re.M))
    for quoted in QUOTED.findall(file.read_text()):
        if re.match(r"make [a-z]", quoted):
            words = [word for word in quoted.split()[1:] if re.fullmatch("[a-z-]+", word)]
            assert set(words[:1]) <= targets, quoted


def makefiles() -> list[Path]:
    return [ROOT / "Makefile", *sorted((ROOT / "scripts").glob("*.mk"))]


def test_help_is_short_and_everything_else_is_behind_it() -> None:
    def listed(target: str) -> set[str]:
        said = subprocess.run(["make", "--silent", target], cwd=ROOT, capture_output=True, text=True, check=True)
        return set(re.findall(r"^  make ([a-z-]+) ", said.stdout, re.M))

    people, everything = listed("help"), listed("help-all")
    assert len(people) <= 25
    assert people < everything
    assert {"run", "doctor", "test", "test-all", "lint", "bench", "soak", "fuzz"} <= people


@pytest.mark.parametrize(("place", "file"), list(enumerate(DECISIONS, 1)), ids=[file.stem for file in DECISIONS])
def test_decisions_are_numbered_and_titled_alike(place: int, file: Path) -> None:
    assert re.fullmatch(rf"{place:04}-[a-z0-9-]+", file.stem)
    lines = file.read_text().splitlines()
    assert re.match(rf"# {place}\. [A-Z].*[^.]$", lines[0])
    assert [line for line in lines if line in PARTS] == list(PARTS)


def cited() -> Iterator[tuple[str, str]]:
    """Decisions that code names by their files."""
    for folder in ("relay", "client/src", "tests", "docker", "scripts"):
        for file in files_below(ROOT / folder):
            if SUFFIX.search(file.name):
                for path in re.findall(r"[\w/.]*decisions/[\w-]+\.md", file.read_text(errors="ignore")):
                    yield str(file.relative_to(ROOT)), path


def test_decisions_that_code_cites_exist() -> None:
    wrong = [(file, path) for file, path in cited() if not (ROOT / path).exists()]
    assert not wrong


def test_every_decision_is_in_the_list() -> None:
    listed = (ROOT / "docs/README.md").read_text()
    for file in DECISIONS:
        title = file.read_text().partition("\n")[0].partition(". ")[2]
        assert f"[{title}](decisions/{file.name})" in listed


def test_floors_are_those_of_the_import_contract() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    table = (ROOT / "docs/architecture.md").read_text().partition("## Floors")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`.+?`) \|", table, re.M)
    assert [re.findall(r"`(\w+)`", row) for row in rows] == [layer.split(" | ") for layer in layers]


def test_the_licence_is_the_same_everywhere() -> None:
    assert "Apache License" in (ROOT / "LICENSE").read_text()
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["license"] == "Apache-2.0"
    assert '"license": "Apache-2.0"' in (ROOT / "client/package.json").read_text()


@pytest.mark.parametrize("file", [file for file in DOCUMENTS if file != HISTORY], ids=name)
def test_lines_can_be_reviewed(file: Path) -> None:
    if "Written by `make" in file.read_text():
        return
    long = [line for line in prose(file).splitlines() if len(line) > 120 and "|" not in line and "](" not in line]
    assert not long
