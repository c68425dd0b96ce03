"""The client as it is served: compressed, kept by browsers for as long as it holds, and nothing besides."""

import gzip
import re
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from relay.app import Relay
from relay.web.answers import HEADERS
from relay.web.pages import STATIC, Pages, add_routes

PAGES = ["/", "/operator", "/check", "/rules", "/privacy"]
UNCOMPRESSED = {"Accept-Encoding": "identity"}


@pytest.fixture
async def client(relay: Relay) -> AsyncIterator[aiohttp.ClientSession]:
    # What is sent is looked at as it is.
    async with aiohttp.ClientSession(f"http://127.0.0.1:{relay.port}", auto_decompress=False) as session:
        yield session


async def _assets(client: aiohttp.ClientSession, page: str) -> list[str]:
    async with client.get(page, headers=UNCOMPRESSED) as response:
        return re.findall(r'(?:src|href)="\.(/assets/[^"]+)"', await response.text())


@pytest.mark.parametrize("page", PAGES)
async def test_a_page_is_asked_for_again_and_sent_once(client: aiohttp.ClientSession, page: str) -> None:
    async with client.get(page, headers={"Accept-Encoding": "gzip"}) as response:
        assert response.status == 200
        assert response.headers["Content-Type"] == "text/html; charset=utf-8"
        assert response.headers["Cache-Control"] == "no-cache"
        assert response.headers["Content-Encoding"] == "gzip"
        assert response.headers["Vary"] == "Accept-Encoding"
        assert gzip.decompress(await response.read()).startswith(b"<!doctype html>")
        tag = response.headers["ETag"]
    for known in (tag, f'"older", W/{tag}', "*"):
        async with client.get(page, headers={"Accept-Encoding": "gzip", "If-None-Match": known}) as response:
            assert response.status == 304
            assert await response.read() == b""
            assert response.headers["ETag"] == tag
            assert response.headers["Cache-Control"] == "no-cache"
            assert response.headers.items() >= HEADERS.items()
    # In another encoding it is another thing to keep.
    async with client.get(page, headers={"Accept-Encoding": "br", "If-None-Match": tag}) as response:
        assert response.status == 200
        assert response.headers["Content-Encoding"] == "br"


async def test_scripts_and_styles_are_small_and_kept_for_good(client: aiohttp.ClientSession) -> None:
    assets = await _assets(client, "/")
    assert {path.rpartition(".")[2] for path in assets} >= {"js", "css", "svg"}
    for path in assets:
        sizes = {}
        for encoding in ("br", "gzip", "identity"):
            async with client.get(path, headers={"Accept-Encoding": encoding}) as response:
                sizes[encoding] = len(await response.read())
                assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
                assert response.headers.get("Content-Encoding", "identity") == encoding
                assert response.headers.items() >= HEADERS.items()
        assert sizes["br"] < sizes["gzip"] < sizes["identity"]


async def test_everything_that_compresses_was_compressed_when_it_was_built() -> None:
    built = [path for path in STATIC.rglob("*") if path.suffix in (".html", ".js", ".css", ".svg")]
    assert built
    for path in built:
        for suffix in (".br", ".gz"):
            assert path.with_name(path.name + suffix).is_file(), path


async def test_head_tells_the_length_and_sends_nothing(client: aiohttp.ClientSession) -> None:
    async with client.get("/", headers=UNCOMPRESSED) as response:
        length = len(await response.read())
    async with client.head("/", headers=UNCOMPRESSED) as response:
        assert (response.status, await response.read()) == (200, b"")
        assert int(response.headers["Content-Length"]) == length


async def test_compressed_files_have_no_names_of_their_own(client: aiohttp.ClientSession) -> None:
    for path in await _assets(client, "/"):
        for suffix in (".br", ".gz"):
            async with client.get(path + suffix) as response:
                assert response.status == 404


async def test_what_is_not_built_says_how_to_build_it(tmp_path: Path) -> None:
    app = web.Application()
    add_routes(app, Pages(tmp_path / "nothing"))
    async with TestServer(app) as server, aiohttp.ClientSession() as client:
        async with client.get(server.make_url("/")) as response:
            assert response.status == 503
            assert "make client" in await response.text()
        async with client.get(server.make_url("/assets/main.js")) as response:
            assert response.status == 404


async def test_a_running_server_does_not_mix_its_files_with_newer_ones(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("old")
    app = web.Application()
    add_routes(app, Pages(tmp_path))
    (tmp_path / "index.html").write_text("new")
    async with (
        TestServer(app) as server,
        aiohttp.ClientSession() as client,
        client.get(server.make_url("/")) as response,
    ):
        assert await response.text() == "old"
        assert "Vary" not in response.headers
