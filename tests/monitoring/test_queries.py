"""Prometheus's own tool reads every query of the dashboards. Needs promtool: `make test-monitoring`."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.kit.prometheus import DASHBOARDS, load


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda path: path.stem)
def test_queries_are_written_as_prometheus_wants_them(dashboard: Path, tmp_path: Path) -> None:
    queries = [target["expr"] for panel in load(dashboard)["panels"] for target in panel["targets"]]
    rules = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(queries)]
    written = tmp_path / "rules.yml"
    written.write_text(json.dumps({"groups": [{"name": "queries", "rules": rules}]}))
    checked = subprocess.run(["promtool", "check", "rules", written], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert f"{len(queries)} rules found" in checked.stdout
