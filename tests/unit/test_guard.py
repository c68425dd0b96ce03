"""What callgrind wrote is read right, and more than what was noted is told from less."""

import json
from collections.abc import Iterator

import pytest

from tests.bench.guard.__main__ import BOUND, OTHER_TOOLS, Figure, is_cryptography, judge
from tests.bench.guard.__main__ import NOTED as NOTED_FILE
from tests.bench.guard.callgrind import read

WRITTEN = """\
positions: line
events: Ir
summary: 161

ob=(1) /core
fl=(1) ???
fn=(1) relay_core::exchange::receive
10 7
+3 4
cob=(2) /libc.so
cfi=(2) malloc.c
cfn=(2) malloc
calls=2 50
* 100
cfn=(3) seal
calls=1 0
-2 50

ob=(2)
fl=(2)
fn=(2)
50 100

ob=(1)
fl=(1)
fn=(3)
0 40
fi=(2)
5 10
fe=(1)

totals: 161
"""

NOTED = {"join": Figure(1_000, "one compiler", "one processor")}


def test_each_function_has_what_it_did_itself() -> None:
    assert read(WRITTEN) == {
        ("/core", "relay_core::exchange::receive"): 11,
        ("/libc.so", "malloc"): 100,
        ("/core", "seal"): 50,
    }


def test_cryptography_is_what_the_core_has_that_is_not_of_rust() -> None:
    assert [name for _, name in filter(lambda of: is_cryptography("/core", of), read(WRITTEN))] == ["seal"]
    assert not is_cryptography("/core", ("/core", "__rust_alloc"))


def failures(instructions: float, tools: str, processor: str = "one processor") -> Iterator[str]:
    return judge({"join": Figure(round(instructions), tools, processor)}, NOTED)


@pytest.mark.parametrize(("tools", "bound"), [("one compiler", BOUND), ("another compiler", OTHER_TOOLS)])
def test_only_more_than_the_bound_fails_which_is_wider_with_other_tools(tools: str, bound: float) -> None:
    for fine in (1, 1_000, 1_000 * (1 + bound) - 1):
        assert not list(failures(fine, tools))
    (failure,) = failures(1_000 * (1 + bound) + 1, tools)
    assert "make guard NOTE=1" in failure
    assert ("another compiler" in failure) is (tools == "another compiler")


def test_instructions_of_another_processor_are_not_compared() -> None:
    assert list(failures(9_000, "one compiler"))
    assert not list(failures(9_000, "one compiler", "another processor"))


def test_what_is_noted_can_be_read() -> None:
    noted = {name: Figure(**of) for name, of in json.loads(NOTED_FILE.read_text()).items()}
    assert list(noted) == ["packet", "packet, cryptography", "join"]
    assert all(figure.instructions > 1_000 for figure in noted.values())
