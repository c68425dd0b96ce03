"""What a real browser reports of a conversation reaches the operator's figures."""

import asyncio
import time
from pathlib import Path

import aiohttp
import pytest
from playwright.async_api import async_playwright
from prometheus_client.parser import text_string_to_metric_families

from tests.kit.browsers import at_the_page, meet
from tests.kit.servers import Served

PATIENCE = 30.0


async def figures_once(served: Served, name: str, least: float) -> dict[str, float]:
    """What /metrics says as soon as this sample has come to that."""
    deadline = time.monotonic() + PATIENCE
    async with aiohttp.ClientSession() as client:
        while True:
            async with client.get(served.url + "metrics") as response:
                families = text_string_to_metric_families(await response.text())
            figures = {
                sample.name + "".join(f"[{value}]" for _, value in sorted(sample.labels.items())): sample.value
                for family in families
                for sample in family.samples
            }
            if figures[name] >= least:
                return figures
            assert time.monotonic() < deadline, {name: figures[name]}
            await asyncio.sleep(0.2)


@pytest.mark.slow
async def test_browsers_tell_how_soon_they_saw_each_other_and_how_it_went(served: Served, tmp_path: Path) -> None:
    async with (
        async_playwright() as playwright,
        at_the_page(playwright, "red", served.url, tmp_path) as red,
        at_the_page(playwright, "blue", served.url, tmp_path) as blue,
    ):
        await meet(red, blue)
        figures = await figures_once(served, "relay_client_frames_per_second_count", 2)
    assert figures["relay_client_first_frame_seconds_count[picture]"] == 2
    assert 0 < figures["relay_client_first_frame_seconds_sum[picture]"] < 20
    assert figures["relay_client_reports_total[taken]"] == 4
    assert figures["relay_client_frames_per_second_sum"] / 2 > 5
    # A camera that looks for its rate begins small; nobody sees less than that.
    assert figures["relay_client_frame_height_pixels_sum"] / 2 >= 180
    assert figures["relay_client_loss_ratio_count"] == figures["relay_client_round_trip_seconds_count"] == 2
    assert figures["relay_client_round_trip_seconds_sum"] < 2, "whole milliseconds, so none at all is right"


@pytest.mark.slow
async def test_where_there_is_no_picture_the_first_sound_counts(served: Served, tmp_path: Path) -> None:
    async with (
        async_playwright() as playwright,
        at_the_page(playwright, "red", served.url, tmp_path) as red,
        at_the_page(playwright, "blue", served.url, tmp_path) as blue,
    ):
        for person in (red, blue):
            await person.page.get_by_role("radio", name="Audio only").check()
        await meet(red, blue)
        figures = await figures_once(served, "relay_client_first_frame_seconds_count[sound]", 2)
    assert figures["relay_client_first_frame_seconds_count[picture]"] == 0
    assert 0 < figures["relay_client_first_frame_seconds_sum[sound]"] < 20
