"""What the bench makes of its measurements: which servers stand beside each other, what a row says, and ratios."""

import pytest

from tests.bench import __main__ as bench
from tests.bench import throughput
from tests.bench.__main__ import Line, Row
from tests.bench.contest import Cores
from tests.bench.peers import __main__ as peers
from tests.bench.throughput import End, Limit, Step

CORES = Cores(server=0, generator=1, spinner=1, second=1)


def row(
    engine: str, people: int = 300, us_per_packet: float = 6.0, *, valid: bool = True, shared: bool = False
) -> Line:
    told = Row(
        engine=engine,
        people=people,
        packets_per_person=160.0,
        us_per_packet=us_per_packet,
        core_percent_per_person=0.1,
        loss=0.0,
        added_ms_p50=1.0,
        added_ms_p99=2.0,
        join_ms_p50=5.0,
        join_ms_p95=9.0,
        join_cpu_ms=3.0,
        kib_per_person=us_per_packet * 10,
        valid=valid,
        shared_core=shared,
        generator_core_percent=50.0,
    )
    return Line(told, spread=0.1, foreign_percent=None, start=(0.5, 0.4))


def step(people: int, *, loss: float = 0.0, in_time: bool = True) -> Step:
    return Step(people, packets=160.0 * people, loss=loss, is_in_time=in_time)


@pytest.mark.parametrize(("people", "is_there"), [(64, False), (300, True), (450, True)])
def test_two_media_threads_are_measured_where_one_has_much_to_do(people: int, is_there: bool) -> None:
    engines = [engine for engine, _ in bench.yardsticks(people, CORES)]
    assert ("2 threads" in engines) is is_there
    assert {"packets", "floor", "coturn"} <= set(engines)


def test_a_second_media_thread_has_a_core_of_its_own_where_there_are_four() -> None:
    assert bench.placed([0, 1, 2, 3]) == (0, 1, 2)
    assert bench.placed([4, 6]) == (4, 6, 6)
    assert bench.placed([0, 1, 2]) == (0, 1, 1)


@pytest.mark.parametrize(
    ("valid", "shared", "said"),
    [(True, False, "yes"), (True, True, "shared"), (False, True, "NO"), (False, False, "NO")],
)
def test_a_row_says_whether_it_is_valid_and_a_core_was_shared(valid: bool, shared: bool, said: str) -> None:
    assert bench.display(row("2 threads", valid=valid, shared=shared)).split()[-1] == said


def test_two_threads_are_compared_with_one() -> None:
    verdicts = list(bench.verdicts([row("packets", 450, 6.0), row("2 threads", 450, 7.5), row("2 threads", 300, 1.0)]))
    assert "2 threads / packets with 450 people: 1.25" in verdicts
    assert not any("2 threads" in verdict and "300" in verdict for verdict in verdicts)


def test_peers_are_compared_with_ours_for_the_same_number_of_people() -> None:
    rows = [row("packets", 32, 10.0), row("pion", 32, 30.0), row("packets", 64, 5.0), row("pion", 64, 30.0)]
    assert list(peers.verdicts(rows)) == [
        "pion / packets with 32 people: 3.00 CPU, 3.00 memory",
        "pion / packets with 64 people: 6.00 CPU, 6.00 memory",
    ]


def test_more_people_come_until_something_is_lost() -> None:
    tried = []

    def measure(people: int) -> Step:
        tried.append(people)
        return step(people, loss=0.02 if people > 500 else 0.0)

    limit = throughput.search(measure, iter([200, 500, 800, 900]))
    assert tried == [200, 500, 800]
    assert limit == Limit(step(500), End.LOSS, step(800, loss=0.02))
    assert throughput.told(1, limit) == "1 media thread: 80,000 packets/s (500 people); with 800: 2.00 % lost"


def test_a_generator_at_its_limit_says_nothing_against_the_server() -> None:
    late = step(500, loss=0.3, in_time=False)
    limit = throughput.search(lambda people: late if people == 500 else step(people), iter([200, 500]))
    assert limit == Limit(step(200), End.GENERATORS, late)
    assert throughput.told(2, limit).startswith(
        "2 media threads: at least 32,000 packets/s (200 people); with 500: gen"
    )


def test_a_search_that_ends_without_loss_says_so() -> None:
    limit = throughput.search(step, iter([200]))
    assert throughput.told(1, limit) == "1 media thread: at least 32,000 packets/s (200 people); more were not tried"


def test_people_are_shared_out_in_pairs() -> None:
    assert throughput.shares(10, 3) == [4, 4, 2]
    assert all(number % 2 == 0 for number in throughput.numbers())
