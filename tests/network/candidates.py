"""What a server answers an offer: `python -m tests.network.candidates URL` prints a line for each candidate."""

import asyncio
import re
import sys

import aiohttp

from relay.checks.offer import MID, OFFER

PATIENCE = 10.0


async def _main(url: str) -> None:
    async with asyncio.timeout(PATIENCE), aiohttp.ClientSession() as client, client.ws_connect(url + "ws") as socket:
        await socket.send_json({"event": "webrtc_offer", "data": {"sdp": OFFER, "lines": {MID: "microphone"}}})
        while (message := await socket.receive_json())["event"] != "webrtc_answer":
            pass
    for protocol, address, port in re.findall(r"a=candidate:\S+ 1 (\w+) \d+ (\S+) (\d+) ", message["data"]["sdp"]):
        print(protocol, address, port)


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
