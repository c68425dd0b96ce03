"""What so many people take, by hand and by `relay size`."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from relay import cli
from relay.checks.sizing import (
    FULL_CORE,
    MOST_THREADS,
    Basis,
    Demand,
    Node,
    in_words,
    people_for,
    settings,
    size,
    system,
)
from relay.config.settings import Settings
from relay.machine.capacity import threads_of

BY_UDP = Demand(people=1_000, share_by_tcp=0.0, share_by_turn=0.0)
BASIS = Basis(us_per_packet=5.0, us_over_tcp=20.0, us_over_turn=30.0, ms_per_join=2.0)
NODE = Node(cores=4, mbits=1_000.0)


def test_a_person_of_a_megabit_sends_as_much_as_in_the_bench() -> None:
    one = size(replace(BY_UDP, people=1), BASIS)
    assert one.packets == pytest.approx(160, abs=0.1)
    assert one.mbits == pytest.approx(1.1, abs=0.03)


def test_everything_but_the_server_itself_grows_with_the_people() -> None:
    one, many = size(replace(BY_UDP, people=10_000), BASIS), size(replace(BY_UDP, people=20_000), BASIS)
    for name in ("packets", "mbits", "media_cores", "loop_cores", "returning_cores", "kept", "tracked"):
        assert getattr(many, name) == pytest.approx(2 * getattr(one, name)), name
    assert one.memory < many.memory < 2 * one.memory
    assert one.descriptors < many.descriptors < 2 * one.descriptors


def test_a_packet_costs_what_its_path_does() -> None:
    by_udp = size(BY_UDP, BASIS).media_cores
    assert by_udp == pytest.approx(0.8, abs=0.001)
    assert size(replace(BY_UDP, share_by_tcp=1.0), BASIS).media_cores == pytest.approx(4 * by_udp)
    assert size(replace(BY_UDP, share_by_turn=0.5), BASIS).media_cores == pytest.approx(3.5 * by_udp)


def test_who_measures_one_path_has_scaled_the_others() -> None:
    assert BASIS.measured(10.0, None) == Basis(10.0, 40.0, 60.0, 2.0)
    assert BASIS.measured(None, 3.0) == replace(BASIS, ms_per_join=3.0)


def test_no_core_is_planned_to_be_full() -> None:
    for people in (1, 100, 5_000, 50_000):
        of = size(replace(BY_UDP, people=people), BASIS)
        assert of.media_cores / of.threads <= FULL_CORE
        assert of.threads == 1 or of.media_cores / (of.threads - 1) > FULL_CORE


def test_a_machine_carries_what_its_scarcest_part_does() -> None:
    most = people_for(NODE, BY_UDP, BASIS)
    assert most["network"] < most["cores"]
    part = size(replace(BY_UDP, people=most["network"]), BASIS)
    assert part.mbits <= 0.8 * NODE.mbits < part.mbits * (1 + 1.5 / most["network"])
    part = size(replace(BY_UDP, people=most["cores"]), BASIS)
    assert part.media_cores + part.loop_cores <= FULL_CORE * NODE.cores
    part = size(replace(BY_UDP, people=most["event loop"]), BASIS)
    assert part.returning_cores <= FULL_CORE
    assert people_for(NODE._replace(cores=1_000), BY_UDP, BASIS)["cores"] == pytest.approx(
        MOST_THREADS * FULL_CORE / 0.0008, rel=0.001
    )


@pytest.mark.parametrize("people", [2, 350, 1_000, 40_000])
def test_what_it_says_to_set_can_be_set_and_is_enough(people: int) -> None:
    of = size(replace(BY_UDP, people=people), BASIS)
    chosen = Settings.of(**{name.removeprefix("RELAY_").lower(): value for name, value in settings(of)})
    assert chosen.capacity.max_people == people
    assert chosen.capacity.max_cache >= of.kept
    assert (chosen.capacity.max_packets or 100_000 * threads_of(chosen.media)) >= of.packets
    host = dict(system(of))
    assert host["net.core.rmem_max"] * of.threads >= of.people * 31_250
    assert host["LimitNOFILE"] >= 4 * people
    assert ("net.netfilter.nf_conntrack_max" in host) is (people == 40_000)


@pytest.mark.parametrize("people", [1, 1_000, 5_000, 10_000, 1_000_000])
def test_it_fits_a_narrow_terminal(people: int) -> None:
    said = in_words(replace(BY_UDP, people=people), BASIS, NODE)
    assert max(map(len, said.splitlines())) <= 80


def test_who_needs_several_machines_is_told_that_they_are_apart() -> None:
    assert "Servers know nothing of each other" not in in_words(replace(BY_UDP, people=700), BASIS, NODE)
    said = in_words(replace(BY_UDP, people=2_000), BASIS, NODE)
    assert "Servers know nothing of each other" in said
    assert re.search(r"^Machines of 4 cores and 1\.0 Gbit/s: 3$", said, re.M)
    assert "RELAY_MAX_PEOPLE=667" in said


def test_the_command_takes_what_the_operator_knows(capsys: pytest.CaptureFixture[str]) -> None:
    flags = "--people 2000 --bitrate 500000 --share-by-tcp 1 --us-per-packet 14 --ms-per-join 2 --node-cores 2"
    assert cli.main(["size", *flags.split()]) == 0
    said = capsys.readouterr().out
    assert said.startswith("2,000 people who talk at once, each with 0.5 Mbit/s of picture;\n100% of them over TCP, 0%")
    assert "14.0 us a packet over UDP,\n               40.0 over TCP" in said
    assert "33 joins a second of 2.0 ms" in said
    assert "Machines of 2 cores" in said


@pytest.mark.parametrize(
    "flags", ["", "--people 0", "--people x", "--people 5 --share-by-tcp 2", "--people 5 --port 1"]
)
def test_what_makes_no_sense_is_refused(flags: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["size", *flags.split()])
    assert ended.value.code == cli.EXIT_CONFIGURATION
    assert "relay" in capsys.readouterr().err


def table() -> str:
    """The three sizes of docs/sizing.md, a line for each thing."""
    sizes = [size(Demand(people), Basis()) for people in (1_000, 5_000, 10_000)]
    machines = [re.search(r"^Machines .*: (\d+)$", in_words(Demand(of.people), Basis(), Node()), re.M) for of in sizes]
    lines = {
        "packets a second, in and out each": [f"{of.packets:,.0f}" for of in sizes],
        "Gbit/s, each way": [f"{of.mbits / 1_000:.1f}" for of in sizes],
        "cores of media": [f"{of.media_cores:.1f}" for of in sizes],
        "of the event loop's core, and while all return in 60 s": [
            f"{of.loop_cores:.2f}, {of.returning_cores:.2f}" for of in sizes
        ],
        "memory, GiB": [f"{of.memory / 1024**3:.1f}" for of in sizes],
        "of it kept packets, GiB": [f"{of.kept / 1024**3:.1f}" for of in sizes],
        "descriptors": [f"{of.descriptors:,}" for of in sizes],
        "tracked connections, at most": [f"{of.tracked:,}" for of in sizes],
        "machines of 8 cores and 10 Gbit/s": [found[1] if found else "" for found in machines],
    }
    return "".join(f"| {name} | {' | '.join(figures)} |\n" for name, figures in lines.items())


def test_the_page_on_sizing_has_what_the_program_says() -> None:
    page = (Path(__file__).parents[2] / "docs/sizing.md").read_text()
    assert table() in page
    said, _, _ = in_words(Demand(5_000), Basis(), Node()).partition("\n\nHosts differ")
    assert f"$ relay size --people 5000\n{said}\n" in page
