"""Who goes on when: work for addresses is done piece by piece, and the next piece is always for who has had least.

Owns what waits. While nobody is late, everybody goes on at once. Once a round of the event loop has taken long, what
comes waits until the next, and there is one piece in each: so a chat line is never behind the offers of fifty
others, and somebody who comes new goes before all who have spent much of what is their own. Who has spent what they
have waits until their account has something left. Within an address, what has begun and what comes new take turns: a
handshake ends before hundreds more of its neighbours' have begun.
"""

import asyncio
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count

from relay import clock
from relay.ledger.accounts import SHORTEST_WAIT, SLICE, Payer

LOOKED_AT = 16
"""Addresses at each look; the others are next. So a look costs the same however many wait."""

ROUNDING = 0.001
"""Seconds by which a time of recovery may be off."""

REST = 0.0002
"""Seconds without work after which nobody can be late: the event loop has looked for what comes meanwhile."""


def _nothing() -> None:
    """What a turn is for that is not wanted any more."""


@dataclass(slots=True, eq=False)
class Turn:
    """Something that waits."""

    payer: Payer
    go: Callable[[], None]
    is_over: bool = False

    def cancel(self) -> None:
        """It is not wanted any more, and keeps nothing. Idempotent."""
        self.is_over, self.go = True, _nothing


@dataclass(slots=True)
class _Line:
    """What waits at one address, each kind in the order of coming."""

    begun: deque[Turn] = field(default_factory=deque)
    new: deque[Turn] = field(default_factory=deque)
    is_next_new: bool = False

    def __len__(self) -> int:
        return len(self.begun) + len(self.new)

    def next(self) -> Turn | None:
        """Whose turn it is, without taking it."""
        for turns in (self.begun, self.new):
            while turns and turns[0].is_over:
                turns.popleft()
        first, second = (self.new, self.begun) if self.is_next_new else (self.begun, self.new)
        waiting = first or second
        return waiting[0] if waiting else None

    def take(self, turn: Turn) -> None:
        """It goes on."""
        turn.is_over = True
        self.is_next_new = bool(self.begun) and turn is self.begun[0]


class Turns:
    """One per server. What waits is bounded where it comes from: each connection waits for one thing at most."""

    def __init__(self) -> None:
        self._lines: dict[str, _Line] = {}
        """By address."""
        self._order: list[tuple[float, int, str]] = []
        """A heap with each line's address once, by when it had recovered as far as was known, then by coming."""
        self._coming = count()
        self._timer: asyncio.Handle | None = None
        self._looks_at = 0.0
        """When, by the event loop's clock."""
        self._round = (clock.monotonic(), clock.cpu())
        """When this round of the event loop's work began."""

    def __len__(self) -> int:
        return sum(map(len, self._lines.values()))

    def goes_on(self, payer: Payer) -> bool:
        """Whether the address may go on at once: it can pay, nothing else of it waits, and nobody is late."""
        return payer.groups[0].name not in self._lines and self._has_time() and payer.wait(clock.monotonic()) == 0

    def ask(self, payer: Payer, go: Callable[[], None], *, is_new: bool = False) -> Turn | None:
        """Call `go` at once, or when its turn comes. `is_new` for what nothing has been done for yet.

        Returns what waits, if it does.
        """
        if self.goes_on(payer):
            go()
            return None
        turn = Turn(payer, go)
        name = payer.groups[0].name
        line = self._lines.get(name)
        if line is None:
            line = self._lines[name] = _Line()
            now = clock.monotonic()
            self._enter(payer.recovered_at(now), name)
            self._look_in(payer.wait(now))
        (line.new if is_new else line.begun).append(turn)
        return turn

    async def wait(self, payer: Payer) -> None:
        """Until it is the address's turn."""
        if self.goes_on(payer):
            return
        turn = asyncio.get_running_loop().create_future()
        asked = self.ask(payer, lambda: None if turn.done() else turn.set_result(None))
        try:
            await turn
        finally:
            if asked is not None:
                asked.cancel()

    def close(self) -> None:
        """Nothing goes on any more. Idempotent."""
        self._lines.clear()
        self._order.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _has_time(self) -> bool:
        now, cpu = clock.monotonic(), clock.cpu()
        began, used = self._round[0], cpu - self._round[1]
        if now - began - used > REST:
            self._round = (now, cpu)
            return True
        return used < SLICE

    def _enter(self, recovered_at: float, name: str) -> None:
        heappush(self._order, (recovered_at, next(self._coming), name))

    def _look_in(self, seconds: float) -> None:
        """Look then, if not sooner."""
        loop = asyncio.get_running_loop()
        looks_at = loop.time() + seconds
        if self._timer is not None:
            if self._looks_at <= looks_at:
                return
            self._timer.cancel()
        self._looks_at = looks_at
        # In the next round, which takes no timer: in a crowd everything that anybody does comes this way.
        self._timer = loop.call_soon(self._look) if seconds <= 0 else loop.call_at(looks_at, self._look)

    def _look(self) -> None:
        """Let one go on. What it costs is known once it has been done, so the next look is after that."""
        self._timer = None
        now = clock.monotonic()
        self._round = (now, clock.cpu())
        soonest, passed_over = math.inf, []
        for _ in range(min(LOOKED_AT, len(self._order))):
            recovered_at, _, name = heappop(self._order)
            line = self._lines[name]
            turn = line.next()
            if turn is None:
                del self._lines[name]
                continue
            payer = turn.payer
            by_now = payer.recovered_at(now)
            if by_now > max(recovered_at, now) + ROUNDING and self._order and by_now > self._order[0][0]:
                # It has spent more since it came, and others have had less.
                self._enter(by_now, name)
                continue
            if (wait := payer.wait(now)) == 0:
                line.take(turn)
                self._enter(by_now, name)
                self._look_in(0.0)
                turn.go()
                break
            passed_over.append((by_now, name))
            soonest = min(soonest, wait)
        for entry in passed_over:
            self._enter(*entry)
        if self._order:
            self._look_in(SHORTEST_WAIT if math.isinf(soonest) else soonest)
