"""Which media threads hang: they run, but take no turns any more. Pure: it is shown how many each has taken.

What counts are looks and not seconds. Nobody looks while the whole process stands still, because it was stopped, its
machine was suspended or its clock was set; afterwards every thread has taken a turn before the next few looks.
"""

from collections.abc import Sequence

LOOK_INTERVAL = 1.0
"""Seconds between looks. A thread that runs takes about one turn in each at least."""

HANGS_AFTER = 5
"""Looks without a turn."""


class Watch:
    """Over the threads of one core."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[int, int]] = {}
        """Of each thread its turns, and in how many looks they have stayed the same."""

    def look(self, turns: Sequence[tuple[str, int]]) -> list[str]:
        """The names of those that hang."""
        for name, taken in turns:
            before, looks = self._seen.get(name, (-1, 0))
            self._seen[name] = (taken, looks + 1 if taken == before else 0)
        return [name for name, _ in turns if self._seen[name][1] >= HANGS_AFTER]
