"""The folder of somebody's site that everything is served in, where a proxy leaves its name in what it asks for.

A proxy that takes the name off needs nothing of this: our pages name each other by relative addresses. So what is
asked for without the folder is answered as well, and checks and Prometheus, which ask us directly, never need it.
"""

from collections.abc import Callable

from aiohttp import web
from aiohttp.http_parser import RawRequestMessage

from relay.config.settings import SiteSettings


def folder(site: SiteSettings) -> str:
    """Begins and ends with a slash; both are the same one for the root."""
    return site.base_path.rstrip("/") + "/"


def add_routes(app: web.Application, base: str) -> None:
    """Without its slash at the end a folder's pages would look beside it for what is in it."""
    name = base.rstrip("/")
    if not name:
        return
    place = name.rpartition("/")[2] + "/"

    async def point(request: web.Request) -> web.Response:
        return web.Response(status=308, headers={"Location": place, "Cache-Control": "no-cache"})

    app.router.add_get(name, point)


def take_off(base: str, server: web.Server) -> None:
    """Have `server` see requests as if they had been for the root."""
    make: Callable[..., web.BaseRequest] = server.request_factory

    def make_without(message: RawRequestMessage, *rest: object) -> web.BaseRequest:
        path = message.url.raw_path
        if path.startswith(base):
            url = message.url.with_path(path[len(base) - 1 :], encoded=True, keep_query=True)
            message = message._replace(url=url, path=str(url))
        return make(message, *rest)

    if base != "/":
        server.request_factory = make_without
