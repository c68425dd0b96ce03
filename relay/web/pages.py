"""Serves the built client."""

from importlib import resources
from pathlib import Path

from aiohttp import web

STATIC = Path(str(resources.files("relay.web") / "static"))

UNCHANGING = "public, max-age=31536000, immutable"
"""For files that carry a digest of their content in their name."""


def add_routes(app: web.Application) -> None:
    """The page at / and its files."""
    app.router.add_get("/", _index)
    assets = STATIC / "assets"
    if assets.is_dir():
        app.router.add_static("/assets", assets)
    for icon in STATIC.glob("*.svg"):
        app.router.add_get(f"/{icon.name}", _file(icon))
    app.on_response_prepare.append(_let_keep)


async def _index(request: web.Request) -> web.StreamResponse:
    page = STATIC / "index.html"
    if not page.is_file():
        raise web.HTTPServiceUnavailable(text="The client is not built. Run `make client`.")
    return web.FileResponse(page, headers={"Cache-Control": "no-cache"})


def _file(path: Path) -> "web._RequestHandler":  # type: ignore[name-defined]
    async def send(request: web.Request) -> web.StreamResponse:
        return web.FileResponse(path)

    return send


async def _let_keep(request: web.Request, response: web.StreamResponse) -> None:
    if request.path.startswith("/assets/") and response.status == 200:
        response.headers["Cache-Control"] = UNCHANGING
