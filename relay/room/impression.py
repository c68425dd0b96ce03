"""What one side says of a conversation's quality, as far as it can be true. Pure."""

from relay.observe.verdict import Verdict
from relay.protocol.messages import FirstFrame, QualityReport

SLACK = 2.0
"""Seconds by which a browser's clock may run ahead of ours within a conversation."""


class Impression:
    """Of one side, for as long as the room lasts."""

    def __init__(self) -> None:
        self.latest: QualityReport | None = None
        self.first_frame: FirstFrame | None = None
        self._seconds = 0.0
        self._frozen = 0.0

    def note(self, report: QualityReport | FirstFrame, elapsed: float) -> Verdict:
        """Take a report `elapsed` seconds after the room was opened. A browser that makes things up is not believed:
        together its reports can't cover more time than there was."""
        match report:
            case FirstFrame(seconds=seconds):
                if self.first_frame is not None or seconds > elapsed + SLACK:
                    return Verdict.IMPLAUSIBLE
                self.first_frame = report
            case QualityReport(seconds=seconds, frozen_seconds=frozen):
                covered, stood = self._seconds + seconds, self._frozen + (frozen or 0.0)
                if max(covered, stood) > elapsed + SLACK:
                    return Verdict.IMPLAUSIBLE
                self.latest, self._seconds, self._frozen = report, covered, stood
        return Verdict.TAKEN
