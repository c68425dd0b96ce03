"""The table of `docker/proxies/README.md`: what becomes of what people write first, row by row."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from relay.config.settings import TlsChoice
from tests.kit.behind import ANN, BRIEF, MOST, PROXY, Place, behind, behind_it
from tests.kit.proxies import FOLDER
from tests.kit.servers import on_loopback

NAME = "talk.example.org"

WRITTEN = {
    "`proxy_pass` and nothing else": "nothing but proxy_pass",
    "`Upgrade` and `Connection`, no `Host`": "upgrade without host",
    "`Upgrade`, `Connection` and `Host $host`, on another port than 443": "upgrade and $host",
    "`Host $http_host`, no `Upgrade`": "host without upgrade",
    "`Upgrade`, `Connection` and `Host $http_host`, no `X-Forwarded-For`": "upgrade and host",
    "all of [nginx.conf](nginx.conf)": "x-forwarded-for is written",
    "all of [nginx.conf](nginx.conf), by `http://`": "x-forwarded-for is written",
    "`server` and nothing else": "mode http",
    "`option forwardfor`": "option forwardfor",
    "`mode tcp`": "mode tcp",
    "`mode tcp` and `send-proxy`": "send-proxy",
    "`reverse_proxy`": "reverse_proxy",
    "`header_up Host {upstream_hostport}`": "header_up host",
    "`handle /chat/*` without `RELAY_BASE_PATH`": "handle",
}
"""The configurations of `tests/kit/proxies.py` that rows are about."""

TOLD: dict[str, dict[str, Any]] = {
    "nothing": {},
    "proxy": {"trusted_proxies": (PROXY,)},
    "name": {"hosts": (NAME,)},
    "certificate": {"tls": TlsChoice.SELF_SIGNED},
}

WARNINGS = {"origin_refused", "host_refused", "websocket_not_passed_on", "proxy_not_trusted", "proxy_names_nobody"}


@dataclass(frozen=True)
class Row:
    """One row, by its columns."""

    proxy: str
    written: str
    told: str
    page: str
    websocket: str
    log: str

    def __str__(self) -> str:
        return f"{self.proxy}: {WRITTEN[self.written]}: {self.told}"

    @property
    def settings(self) -> dict[str, Any]:
        return {name: value for told in self.told.split(", ") for name, value in TOLD[told].items()}


def rows() -> list[Row]:
    lines = (FOLDER / "README.md").read_text().splitlines()
    cells = [re.split(r" \| ", line.strip("| ")) for line in lines if re.match(r"\| (nginx|HAProxy|Caddy) \|", line)]
    return [Row(*each) for each in cells]


def test_there_are_five_rows_of_each_at_least() -> None:
    for proxy in ("nginx", "HAProxy", "Caddy"):
        assert len([row for row in rows() if row.proxy == proxy]) >= 5
    assert {row.written for row in rows()} == set(WRITTEN)


@pytest.mark.parametrize("row", rows(), ids=str)
async def test_it_is_as_the_table_says(row: Row, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = behind_it(on_loopback(state_dir=str(tmp_path), **row.settings))
    async with behind(WRITTEN[row.written], tmp_path, settings) as place, place.somebody(ANN) as session:
        host = f"{NAME}:{place.url.rpartition(':')[2]}"
        folder = "chat/" if WRITTEN[row.written] == "handle" else ""
        async with session.get(folder, headers={"Host": host}, allow_redirects=False) as response:
            assert str(response.status) == row.page.split()[0]
            if row.page.endswith("to itself"):
                assert response.headers["Location"].removeprefix("https://").rstrip("/") == host
        assert await opens(session, folder + "ws", host) == row.websocket.split(",")[0]
        if row.websocket.startswith("works"):
            assert await are_one(place, host) == row.websocket.endswith("all visitors are one")
    warned = set(re.findall(r"\[warning +\] (\w+)", capsys.readouterr().out)) & WARNINGS
    assert warned == set(re.findall(r"`(\w+)`", row.log))


async def opens(session: aiohttp.ClientSession, path: str, host: str) -> str:
    """What becomes of the WebSocket of the page."""
    # As a browser: it follows no redirection of a handshake.
    handshake = {"Host": host, "Origin": f"http://{host}", "Connection": "Upgrade", "Upgrade": "websocket"}
    handshake |= {"Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==", "Sec-WebSocket-Version": "13"}
    async with session.get(path, headers=handshake, allow_redirects=False) as response:
        return "works" if response.status == 101 else str(response.status)


async def are_one(place: Place, host: str) -> bool:
    """Whether a visitor is refused for those at other addresses."""
    headers = {"Host": host, "Origin": f"http://{host}"}
    async with place.somebody("127.0.0.31") as others, place.somebody("127.0.0.32") as another:
        visits = [await others.ws_connect("ws", headers=headers, timeout=BRIEF) for _ in range(MOST)]
        visits.append(await another.ws_connect("ws", headers=headers, timeout=BRIEF))
        *told, last = [(await visit.receive_json())["event"] for visit in visits]
        assert told == ["connected"] * MOST
        return bool(last == "error")
