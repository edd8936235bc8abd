"""The sign-on: requests, identification, option select, and the speeds they name.

Source: IEC 62056-21, 4 (modes), 5.5 and 6.3 (messages), annex E (mode E).
"""

from micropython import const

from lib.iec62056.errors import FrameError, LocalError, PeerError

CR_LF = b"\r\n"
READ_OUT = const(0)  # what an option select may ask for; 6 to 9 are the maker's
PROGRAMMING = const(1)
BINARY = const(2)  # HDLC, mode E

_SPEEDS = const((300, 600, 1200, 2400, 4800, 9600, 19200))
_MOST_ADDRESS = const(32)


def request(address=b"", table=b"?"):
    """The request message: to the meter with this number, or to every one that hears it (b"").

    table: b"?", or the number of a table, b"1" to b"4", as EMH and others have; b"@" and b"*" are the calls of Turkish meters
    to all, whose answers are a line of text in a data message.
    LocalError: an address of more than 32 characters, or of others than letters, digits and blanks.
    """
    if len(address) > _MOST_ADDRESS or not all(_is_plain(letter) for letter in address):
        raise LocalError("address")
    return b"/" + table + address + b"!" + CR_LF


def _is_plain(letter):
    return letter == 0x20 or bytes((letter,)).isalpha() or 0x30 <= letter <= 0x39


class Identification:
    """What a meter says of itself: `/LGZ5\\2ZMD120APt` and CR LF.

    maker      three letters, bytes
    mode       "A", "B", "C"; C includes the sign-on of mode E: `has_hdlc`. That a meter speaks unasked, mode D, it does not say
    letter     the character that names the speed, bytes
    baud       speed offered, None if the letter names none: stay at the opening one
    codes      what stands behind each backslash (b"2" HDLC, b"@" the maker's own), bytes
    has_hdlc   mode E is possible
    is_fast    the meter reacts within 20 ms instead of 200
    text       model and version, bytes
    """

    def __init__(self, line):
        """line: from `/` to LF. FrameError("format") if it is no identification."""
        line = bytes(line).rstrip(CR_LF)
        if len(line) < 5 or line[0] != 0x2F or not line[1:4].isalpha():
            raise FrameError("format")
        self.maker = line[1:4]
        self.is_fast = line[3:4].islower()
        self.letter = letter = line[4:5]
        self.baud = None
        if letter.isdigit():
            self.mode = "C"
            place = letter[0] - 0x30
        elif b"A" <= letter <= b"I":
            self.mode = "B"
            place = letter[0] - 0x40
        else:
            self.mode = "A"
            place = len(_SPEEDS)
        if place < len(_SPEEDS):
            self.baud = _SPEEDS[place]
        at = 5
        codes = b""
        while line[at : at + 1] == b"\\" and len(line) > at + 1:
            codes += line[at + 1 : at + 2]
            at += 2
        self.codes = codes
        self.has_hdlc = self.mode == "C" and b"2" in codes
        self.text = line[at:]

    def option(self, what, fastest, opening):
        """Return (option select message, speed that follows) for `what`: READ_OUT, PROGRAMMING, BINARY or the maker's 3 to 9.

        fastest: the highest speed the line can do, opening: that of the sign-on; both in baud.
        PeerError("mode"): the meter cannot do that.
        """
        if self.mode != "C" or (what == BINARY and not self.has_hdlc):
            raise PeerError("mode")
        letter = self.letter
        baud = self.baud
        if baud is None or baud > fastest:
            letter = b"0"
            baud = opening
        return b"\x06%s%s%d" % (b"2" if what == BINARY else b"0", letter, what) + CR_LF, baud
