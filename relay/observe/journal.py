"""What happened, told once to everybody who wants to know.

Parts note what happens and know none of the readers: the tally that counts, the log that writes, and those to come.
"""

from typing import Protocol

from relay.observe.happenings import Happening


class Reader(Protocol):
    """Takes note of what happens. Called on the event loop, at once; must not raise and must not wait."""

    def reads(self, kind: type[Happening]) -> bool:
        """Whether it wants to know of such happenings. Asked once for each kind."""

    def note(self, happening: Happening) -> None: ...


class Journal:
    """One instance per process."""

    def __init__(self, *readers: Reader) -> None:
        self._readers = readers
        self._of_kind: dict[type[Happening], tuple[Reader, ...]] = {}

    def add(self, reader: Reader) -> None:
        """Have one more read on, whose own parts need the journal."""
        self._readers = (*self._readers, reader)
        self._of_kind.clear()

    def note(self, happening: Happening) -> None:
        kind = type(happening)
        readers = self._of_kind.get(kind)
        if readers is None:
            readers = self._of_kind[kind] = tuple(reader for reader in self._readers if reader.reads(kind))
        for reader in readers:
            reader.note(happening)
