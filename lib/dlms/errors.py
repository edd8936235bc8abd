"""The errors of the DLMS/COSEM parts: one for each way a caller can act.

`reason` is short text that a person reads: "no answer", "wrong tag", "object undefined".
"""


class DlmsError(Exception):
    """What all have in common."""

    @property
    def reason(self):
        return self.args[0]


class FrameError(DlmsError):
    """The line or the link: it is over, open it anew.

    `reason` is one of: no answer, damaged (bytes came, but no good frame), busy (nothing but "not ready"), disconnected (DM, or
    never opened), refused (FRMR), endless (longer than there is room for).
    """


class FormatError(DlmsError):
    """An APDU or data that do not follow the rules: a length that lies, an unknown tag, nested too deep."""


class PeerError(DlmsError):
    """The meter refused: `reason` names why, `code` is its number in the table it comes from, or None. Report it."""

    def __init__(self, reason, code=None):
        super().__init__(reason)
        self.code = code


class CipherError(DlmsError):
    """A wrong tag, a counter that was used before, or plain where cipher had to be: nothing of the APDU may be used."""
