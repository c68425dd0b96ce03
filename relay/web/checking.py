"""The page at /check, where any browser outside finds out which ways to this server are open to it."""

from aiohttp import web

from relay.web.pages import Pages


def add_routes(app: web.Application, pages: Pages) -> None:
    """The page; what it tries is what every visitor uses."""
    app.router.add_get("/check", pages.page("check.html", {"X-Robots-Tag": "noindex"}))
