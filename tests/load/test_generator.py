"""The generator notices what a relay does wrong: a forwarder with fault switches does it to a few people."""

import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from tests.bench import servers
from tests.kit import generator
from tests.kit.generator import Report

pytestmark = pytest.mark.skipif(shutil.which("cargo") is None, reason="the generator is built with cargo")

Starter = Callable[[int, int], AbstractContextManager[servers.Server]]

PEOPLE = "8"
SECONDS = "2"
ANY_CORE = 0
"""The forwarder is not measured here, so that it does not matter which core it has."""


@pytest.fixture(scope="module", autouse=True)
def built_generator() -> None:
    generator.build()


def play_through(*options: str) -> Report:
    """What the generator reports about a forwarder with these options."""
    with servers.forwarder(ANY_CORE, *options) as server:
        return generator.play(server.route, server.address, "--people", PEOPLE, "--seconds", SECONDS)


def faults(report: Report) -> set[str]:
    """Which counters of faults are not zero."""
    names = ("duplicates", "reordered", "corrupt", "wrong_person", "undecryptable", "malformed", "unknown_stream")
    return {name for name in names if getattr(report, name)} | ({"gaps"} if report.gaps else set())


def test_a_relay_that_does_nothing_wrong_is_told_so() -> None:
    report = play_through()
    assert faults(report) == set()
    assert report.loss == 0
    # 30 pictures and 50 pieces of sound a second, as the flags say by default.
    assert report.packets_per_person == pytest.approx(160, rel=0.1)


def test_people_over_tcp_reach_the_relay_and_each_other() -> None:
    with servers.relay("packets", 4, ANY_CORE) as server:
        options = ("--people", "4", "--seconds", SECONDS, "--transport", "tcp")
        report = generator.play(server.route, server.address, *options)
    assert (faults(report), report.failures, report.loss) == (set(), {}, 0)
    assert report.packets_per_person == pytest.approx(160, rel=0.1)


@pytest.mark.parametrize("start", [servers.turn_inside, servers.turn_spliced])
def test_people_over_turn_reach_the_relay_and_each_other(start: Starter) -> None:
    try:
        with start(4, ANY_CORE) as server:
            options = ("--people", "4", "--seconds", SECONDS, "--transport", "turn-tls")
            report = generator.play(server.route, server.address, *options)
    except servers.UnavailableError as reason:
        pytest.skip(str(reason))
    assert (faults(report), report.failures, report.loss) == (set(), {}, 0)
    assert report.packets_per_person == pytest.approx(160, rel=0.1)


@pytest.mark.parametrize(
    ("fault", "expected", "count"),
    [
        ("drop", {"gaps"}, None),
        ("reorder", {"reordered"}, lambda report: report.reordered),
        ("repeat", {"duplicates"}, lambda report: report.duplicates),
        # What is corrupt or of somebody else is missing from where it belongs, too.
        ("corrupt", {"corrupt", "gaps"}, lambda report: report.corrupt),
        ("misdeliver", {"wrong_person", "gaps"}, lambda report: report.wrong_person),
    ],
)
def test_a_fault_in_one_packet_of_a_hundred_is_noticed(
    fault: str, expected: set[str], count: Callable[[Report], int] | None
) -> None:
    report = play_through("--fault", fault)
    assert faults(report) == expected
    assert report.loss is not None
    if "gaps" in expected:
        assert report.loss == pytest.approx(0.01, rel=0.3)
    else:
        assert report.loss == 0
    if count is not None:
        # Counted from the first packet on, not only while it was measured.
        assert 0.004 * report.received < count(report) < 0.03 * report.received


def test_people_who_lose_packets_themselves_report_so() -> None:
    with servers.forwarder(ANY_CORE) as server:
        options = ("--people", PEOPLE, "--seconds", SECONDS, "--loss", "0.05")
        report = generator.play(server.route, server.address, *options)
    assert report.loss == pytest.approx(2 * 0.05, rel=0.3)
    assert report.dropped > 0


def test_people_talk_only_while_they_are_told_to() -> None:
    phases: list[tuple[str, int]] = []
    with servers.forwarder(ANY_CORE) as server:
        options = ("--people", PEOPLE, "--seconds", "0.5", "--settle", "0")
        standing_by = generator.stand_by(
            server.route, server.address, *options, core=ANY_CORE, on_phase=lambda *phase: phases.append(phase)
        )
        with standing_by as player:
            player.measure()
            player.measure()
            report = player.finish()
    turn = ["warming up", "measuring", "draining", "resting"]
    assert [phase for phase, _ in phases] == ["resting", *turn, *turn, "over"]
    at_rest = [received for phase, received in phases if phase == "resting"]
    assert 0 == at_rest[0] < at_rest[1] < at_rest[2] == report.received
    assert report.seconds == 1
    assert report.packets_per_person == pytest.approx(160, rel=0.1)
    assert faults(report) == set()
