"""What the import contracts can't say of themselves."""

import ast
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]


def test_what_calls_itself_pure_is_held_to_it() -> None:
    held = next(each["source_modules"] for each in CONTRACTS if each["name"].startswith("Pure"))
    for file in sorted((ROOT / "relay").rglob("*.py")):
        about = ast.get_docstring(ast.parse(file.read_text())) or ""
        module = ".".join(file.relative_to(ROOT).with_suffix("").parts)
        if "Pure." in about or "Pure:" in about:
            assert any(module == name or module.startswith(f"{name}.") for name in held), module
