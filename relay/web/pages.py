"""Serves the built client, with the headers that keep it to itself."""

from importlib import resources
from pathlib import Path

from aiohttp import web

STATIC = Path(str(resources.files("relay.web") / "static"))

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "media-src 'self' blob: mediastream:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)

HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(self), display-capture=(self)",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

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
    app.on_response_prepare.append(_set_headers)


async def _index(request: web.Request) -> web.StreamResponse:
    page = STATIC / "index.html"
    if not page.is_file():
        raise web.HTTPServiceUnavailable(text="The client is not built. Run `make client`.")
    return web.FileResponse(page, headers={"Cache-Control": "no-cache"})


def _file(path: Path) -> "web._RequestHandler":  # type: ignore[name-defined]
    async def send(request: web.Request) -> web.StreamResponse:
        return web.FileResponse(path)

    return send


async def _set_headers(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)
    if request.path.startswith("/assets/") and response.status == 200:
        response.headers["Cache-Control"] = UNCHANGING
