"""One person at a real Chromium: what they do, and what they see and hear."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, Locator, Page, Playwright, expect

from tests.kit.cameras import camera, microphone
from tests.kit.looks import LOOK

CHROMIUM = "/usr/bin/chromium"
OUTPUT = Path(__file__).parents[1] / "output"
"""Where screenshots of each state are kept."""

ADDRESS_BAR = ("WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "WebUIOmniboxFullPopup")
"""Pages behind the address bar, which nobody sees here: a third of what it costs to start a browser."""

PLAYWRIGHTS = (
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsUpgrades",
    "HttpsFirstBalancedModeAutoEnable",
    "LensOverlay",
    "MediaRouter",
    "PaintHolding",
    "ThirdPartyStoragePartitioning",
    "AvoidCorsURLLoaderRestartOnRedirect",
    "TcpPortRandomizationWin",
    "OptimizationHints",
    "NetworkTimeServiceQuerying",
    "AimEnabled",
    "PreconnectToSearch",
    "msForceBrowserSignIn",
    "msEdgeUpdateLaunchServicesPreferredVersion",
)
"""Features that Playwright turns off. Of two such lists Chromium takes the last one, which is ours."""

FLAGS = [
    "--headless=new",
    f"--disable-features={','.join((*PLAYWRIGHTS, *ADDRESS_BAR))}",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-renderer-backgrounding",
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--no-first-run",
    "--allow-loopback-in-peer-connection",
]

FAKE_PERMISSION = ("--use-fake-ui-for-media-stream",)
"""Camera and microphone are granted without a question."""

FAKE_DEVICES = ("--use-fake-device-for-media-stream",)
"""There are a camera and a microphone."""

LISTEN = """async (video) => {
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 8192;
  context.createMediaStreamSource(video.srcObject).connect(analyser);
  const bins = new Float32Array(analyser.frequencyBinCount);
  let loudest = -Infinity, tone = 0;
  for (let i = 0; i < 60; i++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    analyser.getFloatFrequencyData(bins);
    const peak = bins.indexOf(Math.max(...bins));
    if (bins[peak] > loudest) { loudest = bins[peak]; tone = peak * context.sampleRate / analyser.fftSize; }
  }
  await context.close();
  return { loudest, tone };
}"""
"""The loudest tone within three seconds: level in dB, frequency in Hertz."""

START = "() => [...document.querySelectorAll('button')].find((it) => it.textContent.trim() === 'Start').click()"
"""Presses the button, in any browser."""

RECORD_TRAFFIC = """() => {
  window.received = [];
  const Plain = window.WebSocket;
  window.WebSocket = class extends Plain {
    constructor(...given) {
      super(...given);
      (window.sockets ??= []).push(this);
      this.addEventListener('message', (e) => window.received.push(e.data));
    }
  };
}"""
"""Keeps the page's WebSockets, and every frame that arrives."""


GUARD_SECONDS = 0.8
"""After a pairing, until Next means something: a little more than the page's own."""


TONE_TOLERANCE = 15.0
"""Hertz: two bins of the analyser."""

EXPOSE = """() => {
  const Plain = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Plain {
    constructor(...given) { super(...given); window.connection = this; }
  };
}"""
"""Keeps the page's peer connection where a test finds it."""

WATCH_FRAMES = """() => {
  const video = document.querySelector('video[aria-label="Partner video"]');
  window.frames = [];
  const painted = (now) => { window.frames.push(now); video.requestVideoFrameCallback(painted); };
  video.requestVideoFrameCallback(painted);
}"""
"""Keeps the time of each frame of the partner's picture that the page paints, seen or covered."""


class Person:
    """A page at the relay, with a camera of one colour."""

    def __init__(self, page: Page, colour: str) -> None:
        self.page = page
        self.colour = colour
        self.requests: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        self.problems: list[str] = []
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("console", lambda message: self._heed(message.type, message.text))

    def _heed(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.problems.append(text)

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    @property
    def status(self) -> Locator:
        return self.page.get_by_role("status")

    @property
    def chat(self) -> Locator:
        return self.page.get_by_role("log", name="Chat")

    @property
    def partner(self) -> Locator:
        return self.page.get_by_label("Partner video", exact=True)

    async def open_tab(self) -> "Person":
        """The same page in another tab of the same browser."""
        page = await self.page.context.new_page()
        await page.goto(self.page.url)
        return Person(page, self.colour)

    async def next(self) -> None:
        """Press Next once it means something."""
        await asyncio.sleep(GUARD_SECONDS)
        await self.button("Next").click()

    async def write(self, text: str) -> None:
        await self.page.get_by_role("textbox", name="Message").fill(text)
        await self.button("Send").click()

    async def sees(self, colour: str) -> None:
        """Wait until the partner's picture has this person's colour."""
        strongest = {"red": 0, "green": 1, "blue": 2}[colour]
        await self.page.wait_for_function(
            f"""async (video) => {{
              const seen = await ({LOOK})(video);
              const others = seen.colour.filter((_, index) => index !== {strongest});
              return seen.width > 0 && seen.colour[{strongest}] > 100 && Math.max(...others) < 80;
            }}""",
            arg=await self.partner.element_handle(),
            timeout=15_000,
            polling=100,
        )

    async def picture_of_partner(self) -> list[float]:
        """Mean red, green and blue of the upper part of the partner's picture, 0 to 255."""
        colour: list[float] = (await self.partner.evaluate(LOOK))["colour"]
        return colour

    async def sees_movement(self) -> None:
        """Wait until the bar in the partner's picture was in three places."""
        await self.page.wait_for_function(
            f"""async (video) => {{
              window.places ??= new Set();
              window.places.add((await ({LOOK})(video)).bar);
              return window.places.size >= 3 && delete window.places;
            }}""",
            arg=await self.partner.element_handle(),
            timeout=15_000,
            polling=150,
        )

    async def hears(self) -> float:
        """The partner's loudest tone, in Hertz; fails when there is only silence."""
        heard = await self.partner.evaluate(LISTEN)
        assert heard["loudest"] > -60, heard
        tone: float = heard["tone"]
        return tone

    async def frames_received(self) -> list[str]:
        """Every WebSocket frame so far."""
        frames: list[str] = await self.page.evaluate("window.received")
        return frames

    async def start(self) -> None:
        await self.button("Start").click()

    async def is_told(self, words: str) -> None:
        await expect(self.status).to_contain_text(words, timeout=10_000)

    async def picture(self, name: str) -> None:
        """Keep a screenshot, to be looked at."""
        OUTPUT.mkdir(exist_ok=True)
        await self.page.screenshot(path=OUTPUT / f"{name}.png")


@asynccontextmanager
async def at_the_page(
    playwright: Playwright,
    colour: str,
    url: str,
    folder: Path,
    viewport: tuple[int, int] = (1280, 800),
    script: str = RECORD_TRAFFIC,
    flags: Sequence[str] = (*FAKE_DEVICES, *FAKE_PERMISSION),
    scene: Callable[[str, Path], Path] = camera,
) -> AsyncIterator[Person]:
    """A browser of one's own, since camera and microphone files are the browser's, not the page's.

    `script` is a function that runs in the page before anything else does; `scene` writes what the camera sees.
    """
    browser: Browser = await playwright.chromium.launch(
        executable_path=CHROMIUM,
        ignore_default_args=["--headless", "--mute-audio"],
        args=[
            *FLAGS,
            *flags,
            f"--use-file-for-fake-video-capture={scene(colour, folder)}",
            f"--use-file-for-fake-audio-capture={microphone(colour, folder)}",
        ],
    )
    try:
        context = await browser.new_context(viewport={"width": viewport[0], "height": viewport[1]})
        await context.add_init_script(f"({script})()")
        page = await context.new_page()
        person = Person(page, colour)
        await page.goto(url)
        yield person
    finally:
        await browser.close()


async def meet(one: Person, other: Person) -> None:
    """Start both and wait until they are paired."""
    await one.start()
    await one.is_told("Looking for a partner")
    await other.start()
    await asyncio.gather(one.is_told("You are talking"), other.is_told("You are talking"))


async def see_each_other(one: Person, other: Person) -> None:
    await asyncio.gather(one.sees(other.colour), other.sees(one.colour))


Invite = Callable[..., Awaitable[Person]]
"""Opens the page in a new browser, whose camera shows this colour."""


async def give_authenticator(page: Page) -> None:
    """One of Chromium's own, for passkeys. It answers by itself, as if somebody had put their finger on it."""
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    await devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
