"""Answers plain HTTP on the port of HTTPS with the way to HTTPS, and nothing else."""

from aiohttp import web

from relay.web.answers import HEADERS, POLICY
from relay.web.hosts import Hosts
from relay.web.policy import policy


def signpost(hosts: Hosts) -> web.Server:
    """Names no host but ours: what others make of the answer, a cache in between perhaps, is not for strangers to
    choose."""

    headers = {**HEADERS, POLICY: policy()}

    async def point(request: web.BaseRequest) -> web.StreamResponse:
        if not hosts.serve(request):
            hosts.heed_refusal(request)
            return web.Response(status=421, text="This server is not known by that name.", headers=headers)
        return web.Response(status=308, headers={**headers, "Location": f"https://{request.host}{request.rel_url}"})

    return web.Server(point)
