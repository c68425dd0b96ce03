"""Which browser it is, whatever it calls itself besides."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.observe.browsers import FAMILIES, Browser, browser_of

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("user_agent", "browser"),
    [
        (f"Mozilla/5.0 (X11; Linux x86_64) {WEBKIT} Chrome/141.0.0.0 Safari/537.36", "chrome 141"),
        (f"Mozilla/5.0 (X11; Linux x86_64) {WEBKIT} HeadlessChrome/141.0.0.0 Safari/537.36", "chrome 141"),
        (f"Mozilla/5.0 (Linux; Android 10; K) {WEBKIT} Chrome/141.0.0.0 Mobile Safari/537.36", "chrome 141"),
        (
            f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/141.0 Safari/537.36 Edg/141.0.3537.71",
            "edge 141",
        ),
        (f"Mozilla/5.0 (Windows NT 10.0) {WEBKIT} Chrome/140.0.0.0 Safari/537.36 OPR/124.0.0.0", "opera 124"),
        (f"Mozilla/5.0 (Linux; Android 10) {WEBKIT} SamsungBrowser/28.0 Chrome/130.0.0.0 Safari/537.36", "samsung 28"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "firefox 140"),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5"
            " Safari/605.1.15",
            "safari 18",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
            " CriOS/141.0.7390.96 Mobile/15E148 Safari/604.1",
            "safari 18",
        ),
        ("Python/3.11 aiohttp/3.14.5", "other"),
        ("", "other"),
        ("Firefox/99999999", "other"),
    ],
)
def test_the_maker_is_told_whatever_it_calls_itself_besides(user_agent: str, browser: str) -> None:
    assert str(browser_of(user_agent)) == browser


@given(st.text())
def test_whatever_it_says_it_is_one_of_ours(user_agent: str) -> None:
    found = browser_of(user_agent)
    assert found.family in FAMILIES
    assert isinstance(found, Browser)
