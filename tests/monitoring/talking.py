"""Two real people at a server that runs already, in Chromium: ends well once each sees and hears the other.

    python -m tests.monitoring.talking https://localhost:8443/

It may have a certificate that nobody vouches for. `docker/test-clone` and `docker/test-container` ask this of theirs.
"""

import asyncio
import sys
import tempfile
import time
from pathlib import Path

from playwright.async_api import async_playwright

from tests.kit.browsers import FAKE_DEVICES, FAKE_PERMISSION, at_the_page

FLAGS = (*FAKE_DEVICES, *FAKE_PERMISSION, "--ignore-certificate-errors")


async def talk(url: str) -> str:
    """Meet at this address; how long it took."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        async with (
            async_playwright() as playwright,
            at_the_page(playwright, "red", url, Path(folder), flags=FLAGS) as red,
            at_the_page(playwright, "blue", url, Path(folder), flags=FLAGS) as blue,
        ):
            people = (red, blue)
            await asyncio.gather(*(person.is_told("Ready") for person in people))
            ready = time.monotonic()
            await asyncio.gather(*(person.start() for person in people))
            await asyncio.gather(red.sees("blue"), blue.sees("red"))
            seen = time.monotonic()
            await asyncio.gather(*(person.sees_movement() for person in people))
            await asyncio.gather(*(person.hears() for person in people))
    return f"the page was ready after {ready - began:.1f} s, each saw the other {seen - ready:.1f} s after Start"


if __name__ == "__main__":
    print(asyncio.run(talk(sys.argv[1])))
