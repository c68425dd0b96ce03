"""Who goes on when: what an address causes waits until its account has something left, in the order of coming.

Owns what waits. Addresses take turns, one step each, so that no crowd at one of them holds up another.
"""

import asyncio
import math
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass

from relay import clock
from relay.ledger.accounts import SHORTEST_WAIT, Payer

LOOKED_AT = 16
"""Addresses at each look; the others are next. So a look costs the same however many wait."""


@dataclass(slots=True, eq=False)
class Turn:
    """Something that waits."""

    payer: Payer
    go: Callable[[], None]
    is_over: bool = False

    def cancel(self) -> None:
        """It is not wanted any more. Idempotent."""
        self.is_over = True


class Turns:
    """One per server. What waits is bounded where it comes from: each connection waits for one thing at most."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[str, deque[Turn]] = OrderedDict()
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def ask(self, payer: Payer, go: Callable[[], None]) -> Turn | None:
        """Call `go` at once if the account has something left and nothing else of it waits; else when its turn comes.

        Returns what waits, if it does.
        """
        name = payer.groups[0].name
        line = self._waiting.get(name)
        if line is None and payer.wait(clock.monotonic()) == 0:
            go()
            return None
        turn = Turn(payer, go)
        if line is None:
            line = self._waiting[name] = deque()
        line.append(turn)
        if self._timer is None:
            self._look_in(0.0)
        return turn

    async def wait(self, payer: Payer) -> None:
        """Until it is the address's turn."""
        turn = asyncio.get_running_loop().create_future()
        asked = self.ask(payer, lambda: None if turn.done() else turn.set_result(None))
        try:
            await turn
        finally:
            if asked is not None:
                asked.cancel()

    def close(self) -> None:
        """Nothing goes on any more. Idempotent."""
        self._waiting.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look_in(self, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._look)

    def _look(self) -> None:
        """Let one go on. What it costs is known once it has been done, so the next look is after that."""
        self._timer = None
        now = clock.monotonic()
        soonest = math.inf
        for _ in range(min(LOOKED_AT, len(self._waiting))):
            name, line = next(iter(self._waiting.items()))
            while line and line[0].is_over:
                line.popleft()
            if not line:
                del self._waiting[name]
                continue
            payer = line[0].payer
            if (debt := payer.purse.wait(now)) > 0:
                # All who wait here have spent what is their own, so they wait for the same.
                soonest = max(SHORTEST_WAIT, debt)
                break
            self._waiting.move_to_end(name)
            wait = payer.wait(now)
            if wait == 0:
                turn = line.popleft()
                turn.is_over = True
                self._look_in(0.0)
                turn.go()
                return
            soonest = min(soonest, wait)
        if self._waiting:
            self._look_in(SHORTEST_WAIT if math.isinf(soonest) else soonest)
