"""Looks at a page as people do: at three sizes, dark and light, and with the eyes of a screen reader."""

from pathlib import Path
from typing import Any

from tests.kit.browsers import OUTPUT, Person

SIZES = {"desktop": (1280, 800), "phone": (390, 844), "small_phone": (320, 568)}
SCHEMES = ("light", "dark")
AXE = Path(__file__).parents[2] / "client/node_modules/axe-core/axe.min.js"

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
"""By name: axe leaves some of them out unless it is asked for them."""

FITS = """() => ({
  overflow: document.documentElement.scrollWidth - innerWidth,
  // Buttons that can't be reached without scrolling the page sideways or that are too small for a finger.
  small: [...document.querySelectorAll('button')]
    .filter((button) => button.offsetParent !== null)
    .map((button) => [button.textContent || button.ariaLabel, button.getBoundingClientRect()])
    .filter(([, box]) => box.height < 40 || box.width < 40 || box.right > innerWidth + 1)
    .map(([name]) => name),
  // Start is in reach without scrolling.
  below: [...document.querySelectorAll('main[data-view="landing"] button')]
    .filter((button) => button.textContent === 'Start' && button.getBoundingClientRect().bottom > innerHeight)
    .map((button) => button.textContent),
})"""


async def look(person: Person, name: str) -> None:
    """Keep a screenshot of each size and scheme; the page fits, and axe finds nothing to mend."""
    OUTPUT.mkdir(exist_ok=True)
    page = person.page
    before = page.viewport_size
    for size, (width, height) in SIZES.items():
        await page.set_viewport_size({"width": width, "height": height})
        for scheme in SCHEMES:
            await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
            fit = await page.evaluate(FITS)
            assert fit["overflow"] <= 0, (name, size, fit)
            assert fit["small"] == [], (name, size, fit)
            assert fit["below"] == [], (name, size, fit)
            await page.screenshot(path=OUTPUT / f"{name}_{size}_{scheme}.png")
            if size == "phone":
                assert await violations(person) == [], (name, scheme)
    if before is not None:
        await page.set_viewport_size(before)


async def violations(person: Person) -> list[str]:
    """What axe finds, one line each."""
    # Evaluated rather than added as a script, which the page's own policy rightly refuses.
    await person.page.evaluate(AXE.read_text())
    found: list[dict[str, Any]] = await person.page.evaluate(
        """async (tags) => (await axe.run({ runOnly: tags })).violations
          .map(({ id, nodes }) => ({ id, targets: nodes.map((n) => n.html) }))""",
        RULES,
    )
    return [f"{violation['id']}: {violation['targets']}" for violation in found]
