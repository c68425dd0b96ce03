"""The pages at /rules and /privacy, where anybody reads what holds here. Their words ask `consent.py` for values."""

from aiohttp import web

from relay.web.pages import Pages


def add_routes(app: web.Application, pages: Pages) -> None:
    """The two pages."""
    app.router.add_get("/rules", pages.page("rules.html"))
    app.router.add_get("/privacy", pages.page("privacy.html"))
