"""A page that is out of sight, as its browser tells it."""

from tests.kit.browsers import Person

SWITCH = """(visibility) => {
  Object.defineProperty(document, 'visibilityState', { get: () => visibility, configurable: true });
  Object.defineProperty(document, 'hidden', { get: () => visibility === 'hidden', configurable: true });
  document.dispatchEvent(new Event('visibilitychange'));
}"""
"""Chromium without a screen takes every tab for visible: the page is told what another tab in front would tell it."""


async def look_away(person: Person) -> None:
    await person.page.evaluate(SWITCH, "hidden")


async def look_back(person: Person) -> None:
    await person.page.evaluate(SWITCH, "visible")
