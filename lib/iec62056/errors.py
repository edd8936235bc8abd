"""The errors of the IEC 62056-21 codec: one for each way a caller can act."""


class FrameError(Exception):
    """What came over the wire is no answer: noise, damage or silence. Everything of that block is void. Ask again.

    `reason` is one of: no answer, noise, truncated, parity, format, check, endless, other answer; those who own a wire add
    reasons of their own.
    """

    @property
    def reason(self):
        return self.args[0]


class PeerError(Exception):
    """The meter refused: `text` is "nak", "password", "signed off", "mode", or what it wrote (`ER05`). Report it."""

    @property
    def text(self):
        return self.args[0]


class FormatError(Exception):
    """A value that came whole is not what it was read as: no number, no date that exists, a row too short. Keep its text."""

    @property
    def reason(self):
        return self.args[0]


class LocalError(Exception):
    """We asked for what the standard forbids, or out of turn: a bug on our side, never the wire's."""

    @property
    def reason(self):
        return self.args[0]
