"""Remembers what was said already, so that each thing is logged once, and strangers can't make that grow."""

MOST = 1_000
"""Things that are remembered; then the oldest is forgotten, and may be said again."""


class Once:
    """One kind of thing to say."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._said: dict[str, None] = {}

    def is_new(self, key: str) -> bool:
        """Whether it was not said yet; from now on it was."""
        if key in self._said:
            return False
        if len(self._said) >= self._most:
            del self._said[next(iter(self._said))]
        self._said[key] = None
        return True
