"""Browsers under test are started as Playwright means them to be."""

import re
from pathlib import Path

import playwright

from tests.kit.browsers import PLAYWRIGHTS

LIST = re.compile(r"\bdisabledFeatures = \[(.*?)\]", re.DOTALL)


def test_what_playwright_turns_off_is_off_although_our_own_list_takes_the_place_of_its_own() -> None:
    bundle = Path(playwright.__file__).parent / "driver/package/lib/coreBundle.js"
    names = [re.findall(r'^\s*"(\w+)"', found, re.MULTILINE) for found in LIST.findall(bundle.read_text())]
    assert list(PLAYWRIGHTS) in names
