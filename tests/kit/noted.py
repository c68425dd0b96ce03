"""A reader of the journal that keeps what happened."""

from relay.observe.happenings import Happening


class Noted:
    def __init__(self) -> None:
        self.happened: list[Happening] = []

    def reads(self, kind: type[Happening]) -> bool:
        return True

    def note(self, happening: Happening) -> None:
        self.happened.append(happening)
