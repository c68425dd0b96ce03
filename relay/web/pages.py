"""Serves the built client.

Its files are read once, before the first request: what was not there then can't be asked for by any name, and a
server that runs does not mix its pages with those of an upgrade. The build has compressed what compresses
(client/finish.js); nothing is compressed here.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler

from relay.web.encodings import IDENTITY, choose

STATIC = Path(str(resources.files("relay.web") / "static"))

UNCHANGING = "public, max-age=31536000, immutable"
"""For files that carry a digest of their content in their name."""

ASKED_AGAIN = "no-cache"
"""For files that are asked for by the same name whatever is in them; the answer is mostly that nothing changed."""

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}

ENCODED = {".br": "br", ".gz": "gzip"}
"""What the build adds to the name of a file that it compressed."""


@dataclass(frozen=True)
class File:
    """One file of the client: its content by encoding, and what is said with it."""

    content_type: str
    digest: str
    content: Mapping[str, bytes]


class Pages:
    """The client's files, by their path inside `folder`."""

    def __init__(self, folder: Path) -> None:
        self._files = {
            path.relative_to(folder).as_posix(): _read(path)
            for path in sorted(folder.rglob("*"))
            if path.is_file() and path.suffix not in ENCODED
        }

    def page(self, name: str, headers: Mapping[str, str] | None = None) -> Handler:
        """Answers with the page of that name."""

        async def answer(request: web.Request) -> web.StreamResponse:
            file = self._files.get(name)
            if file is None:
                raise web.HTTPServiceUnavailable(
                    text="The client is not built. Run `make client`, then start the server again."
                )
            return _answer(request, file, {"Cache-Control": ASKED_AGAIN, **(headers or {})})

        return answer

    def asset(self, folder: str, caching: str) -> Handler:
        """Answers with the file that the request names."""

        async def answer(request: web.Request) -> web.StreamResponse:
            file = self._files.get(folder + request.match_info["name"])
            if file is None:
                raise web.HTTPNotFound
            return _answer(request, file, {"Cache-Control": caching})

        return answer


def add_routes(app: web.Application, pages: Pages) -> None:
    """The page at / and its files."""
    app.router.add_get("/", pages.page("index.html"))
    app.router.add_get("/assets/{name}", pages.asset("assets/", UNCHANGING))


def _read(path: Path) -> File:
    content = {IDENTITY: path.read_bytes()}
    for suffix, encoding in ENCODED.items():
        encoded = path.with_name(path.name + suffix)
        if encoded.is_file():
            content[encoding] = encoded.read_bytes()
    return File(
        content_type=TYPES.get(path.suffix, "application/octet-stream"),
        digest=hashlib.sha256(content[IDENTITY]).hexdigest()[:32],
        content=content,
    )


def _answer(request: web.Request, file: File, headers: Mapping[str, str]) -> web.Response:
    encoding = choose(request.headers.get("Accept-Encoding"), file.content)
    # An encoding is another representation, so its tag is another (RFC 9110, section 8.8.3.3).
    tag = file.digest if encoding == IDENTITY else f"{file.digest}-{encoding}"
    said = {**headers, "ETag": f'"{tag}"'}
    if len(file.content) > 1:
        said["Vary"] = "Accept-Encoding"
    if any(known.value in (tag, "*") for known in request.if_none_match or ()):
        return web.Response(status=304, headers=said)
    said["Content-Type"] = file.content_type
    if encoding != IDENTITY:
        said["Content-Encoding"] = encoding
    return web.Response(body=file.content[encoding], headers=said)
