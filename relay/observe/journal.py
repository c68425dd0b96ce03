"""What happened, told once to everybody who wants to know.

Parts note what happens and know none of the readers: the tally that counts, the log that writes, and those to come.
"""

from typing import Protocol

from relay.observe.happenings import Happening


class Reader(Protocol):
    """Takes note of what happens. Called on the event loop, at once; must not raise and must not wait."""

    def note(self, happening: Happening) -> None: ...


class Journal:
    """One instance per process."""

    def __init__(self, *readers: Reader) -> None:
        self._readers = readers

    def note(self, happening: Happening) -> None:
        for reader in self._readers:
            reader.note(happening)
