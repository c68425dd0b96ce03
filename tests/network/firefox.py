"""A person at a real Firefox inside the small internet, driven by WebDriver BiDi (W3C) without further programs."""

import asyncio
import itertools
import json
import shutil
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from tests.kit.looks import PICTURE
from tests.network.internet import Internet
from tests.network.people import SELECTED, WATCH, Timings
from tests.network.processes import running

FIREFOX = "/usr/bin/firefox-esr"
PORT = 9_333
PATIENCE = 25.0

PREFERENCES: dict[str, object] = {
    "app.normandy.enabled": False,
    "app.update.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.page": 0,
    "datareporting.policy.dataSubmissionEnabled": False,
    "media.autoplay.blocking_policy": 0,
    "media.autoplay.default": 0,
    "media.devices.insecure.enabled": True,
    "media.getusermedia.insecure.enabled": True,
    "media.gmp-manager.url": "",
    "media.navigator.permission.disabled": True,
    "media.navigator.streams.fake": True,
    "permissions.default.camera": 1,
    "permissions.default.microphone": 1,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "toolkit.telemetry.enabled": False,
}

PRESS = """() => [...document.querySelectorAll('button, label')]
  .find((it) => it.textContent.trim() === %s).click()"""
STRONGEST = {"red": 0, "green": 1, "blue": 2}


class FirefoxPerson:
    """A page at the relay, with Firefox's own fake camera."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._context = ""

    async def command(self, method: str, **parameters: Any) -> dict[str, Any]:
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        async with asyncio.timeout(PATIENCE):
            while (answer := await self._socket.receive_json()).get("id") != number:
                pass
        assert answer["type"] == "success", answer
        result: dict[str, Any] = answer["result"]
        return result

    async def open(self, url: str, script: str) -> None:
        await self.command("session.new", capabilities={"alwaysMatch": {"acceptInsecureCerts": True}})
        self._context = (await self.command("browsingContext.getTree"))["contexts"][0]["context"]
        await self.command("script.addPreloadScript", functionDeclaration=script)
        await self.command("browsingContext.navigate", context=self._context, url=url, wait="complete")

    async def evaluate(self, function: str) -> Any:
        """What a JavaScript function gives."""
        result = await self.command(
            "script.evaluate",
            expression=f"(async () => JSON.stringify(await ({function})()) ?? 'null')()",
            target={"context": self._context},
            awaitPromise=True,
            userActivation=True,
        )
        assert result["type"] == "success", result["exceptionDetails"]["text"]
        return json.loads(result["result"]["value"])

    async def until(self, function: str, patience: float = PATIENCE) -> None:
        """Wait until a JavaScript function gives something true."""
        async with asyncio.timeout(patience):
            while not await self.evaluate(function):  # noqa: ASYNC110 - it is the browser that changes
                await asyncio.sleep(0.1)

    async def connected(self) -> None:
        await self.until("() => 'connected' in window.marks")

    async def start(self) -> None:
        await self.press("Start")

    async def is_told(self, words: str, patience: float = PATIENCE) -> None:
        await self.until(f"() => document.querySelector('[role=status]').textContent.includes('{words}')", patience)

    async def press(self, button: str) -> None:
        """The one that has this name; or choose so."""
        await self.evaluate(PRESS % json.dumps(button))

    async def sees(self, colour: str) -> None:
        """Wait for the partner's colour, and for three places of the bar in their picture."""
        places: set[int] = set()
        async with asyncio.timeout(PATIENCE):
            while len(places) < 3:
                seen = await self.evaluate(PICTURE)
                if seen is not None and seen["colour"].index(max(seen["colour"])) == STRONGEST[colour]:
                    places.add(seen["bar"])
                await asyncio.sleep(0.13)

    async def timings(self) -> Timings:
        await self.until("() => 'frame' in window.marks")
        marks: dict[str, float] = await self.evaluate("() => window.marks")
        return Timings(round(marks["connected"] - marks["offer"]), round(marks["frame"] - marks["found"]))

    async def path(self) -> dict[str, Any]:
        found: dict[str, Any] = await self.evaluate(SELECTED)
        return found


def sound_card(socket: Path) -> tuple[str, ...]:
    """The command for one that plays to nobody, in time; without any, Firefox's audio contexts do not run."""
    return (
        "pulseaudio",
        "-n",
        "--daemonize=no",
        "--exit-idle-time=-1",
        "--log-target=stderr",
        "--log-level=info",
        "--load=module-null-sink",
        f"--load=module-native-protocol-unix socket={socket} auth-anonymous=1",
    )


@asynccontextmanager
async def at_firefox(
    internet: Internet, person: str, url: str, folder: Path, preferences: Mapping[str, object], script: str = WATCH
) -> AsyncIterator[FirefoxPerson]:
    """A Firefox in the person's namespace, at the page; `script` is a function that runs in it before anything else."""
    for program in (FIREFOX, "pulseaudio"):
        assert shutil.which(program), f"{program} is not installed: 'make firefox' installs it"
    profile = folder / f"firefox-{person}"
    profile.mkdir()
    lines = [f'user_pref("{name}", {json.dumps(value)});' for name, value in {**PREFERENCES, **preferences}.items()]
    (profile / "user.js").write_text("\n".join(lines))
    browser = [FIREFOX, "--headless", "--no-remote", "--profile", str(profile), f"--remote-debugging-port={PORT}"]
    way = folder / f"{person}.socket"
    forwarder = (sys.executable, "-m", "tests.network.forwarder", str(way), f"127.0.0.1:{PORT}")
    sound = profile / "sound"
    environment = {"HOME": str(profile), "PULSE_SERVER": f"unix:{sound}", "MOZ_DISABLE_CONTENT_SANDBOX": "1"}
    async with (
        running(internet, person, *sound_card(sound), ready="startup complete", environment={"HOME": str(profile)}),
        running(internet, person, *browser, "about:blank", ready="WebDriver BiDi listening", environment=environment),
        running(internet, person, *forwarder, ready="listening"),
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(way))) as client,
        client.ws_connect(f"ws://127.0.0.1:{PORT}/session", max_msg_size=0) as socket,
    ):
        at_page = FirefoxPerson(socket)
        await at_page.open(url, script)
        yield at_page
