"""The page at /check, where any browser outside finds out which ways to this server are open to it."""

from aiohttp import web

from relay.web.pages import STATIC


def add_routes(app: web.Application) -> None:
    """The page; what it tries is what every visitor uses."""

    async def page(request: web.Request) -> web.StreamResponse:
        built = STATIC / "check.html"
        if not built.is_file():
            raise web.HTTPServiceUnavailable(text="The client is not built. Run `make client`.")
        return web.FileResponse(built, headers={"Cache-Control": "no-cache", "X-Robots-Tag": "noindex"})

    app.router.add_get("/check", page)
