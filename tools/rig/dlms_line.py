"""A simulated line with DLMS meters: HDLC, opened by mode E at 300 baud 7E1 or not, every character in its own time.

Faults of the line are those of tools/rig/iec_line.py.
"""

import heapq
import itertools

from tools.rig.dlms_faults import pieces
from tools.rig.families.dlms import SPEEDS
from tools.rig.families.dlms_hdlc import CALLING, FrameReader, make
from tools.rig.families.iec import ACK, block, even
from tools.rig.iec_line import IecLine

_GAP_S = 0.2  # of silence ends a frame, whole or not
_CALLED_S = 5.0  # after the identification a meter waits so long for the acknowledgement
_DELAY_S = 0.02, 0.05
_ANSWERS = 3  # of those who are meant at once: more collide no worse


class DlmsLine(IecLine):
    """A frame is heard once for all meters, so that a line may have a thousand."""

    def __init__(self, port, meters, path, fast=False):
        self._waiting = []  # (when, number, meter, data, baud), of what meters will begin to say
        self._numbers = itertools.count()
        self._reader = FrameReader()
        self._text = b""  # the last characters, without parity
        self._called = None, 0.0  # who identified itself last, and how long it waits
        self._heard_at, self._heard_baud = 0.0, 0
        self._opened_by_mode_e = [meter for meter in meters if meter.opens]
        self._by_address = {}
        for meter in meters:
            self._by_address.setdefault(meter.address, []).append(meter)
        super().__init__(port, meters, path, fast)

    def _hear(self, data, begin, character_s, baud, collides):
        if begin - self._heard_at > _GAP_S or baud != self._heard_baud:
            self._reader.clear()
        for meter in self._opened_by_mode_e:
            meter.look(begin)
        if collides:
            data = self._random.randbytes(len(data))
        end = begin + character_s * len(data)
        self._heard_at, self._heard_baud = end, baud
        self._text = (self._text + bytes(octet & 0x7F for octet in data))[-40:]
        self._opening(end, baud)
        for frame in self._reader.take(data):
            for meter in self._meant(frame)[:_ANSWERS]:
                if not meter.is_opening and self._understands(meter, baud):
                    own = meter.baud
                    reply = meter.frame(frame, end)
                    if reply:
                        self._answer(meter, end, make(reply), own)

    def _understands(self, meter, baud):
        return self.fast or meter.baud == baud

    def _meant(self, frame):
        if frame.size == 1 or frame.physical == CALLING[frame.size]:
            meters = self.meters
        else:
            meters = self._by_address.get(frame.physical, ())
        return [meter for meter in meters if meter.logical == frame.logical and frame.size in meter.sizes]

    # Mode E (the sheet, section 4).

    def _opening(self, at, baud):
        text = self._text
        if text.endswith(b"!\r\n") and b"/?" in text:
            address = text[text.rfind(b"/?") + 2 : -3].decode(errors="replace")
            self._text = b""
            for meter in self._opened_by_mode_e:
                if meter.is_opening and self._understands(meter, baud) and address in ("", meter.serial, str(meter.address)):
                    self._called = meter, at + _CALLED_S
                    self._say_text(meter, at, meter.identification)
            return
        meter, until = self._called
        if meter and text[-6:-5] == ACK and text.endswith(b"\r\n"):
            self._text = b""
            self._called = None, 0.0
            if at < until and self._understands(meter, baud):
                self._acknowledged(meter, text[-6:], at)

    def _acknowledged(self, meter, text, at):
        letter = text[2] - ord("0")
        if text[1:2] + text[3:4] != b"22" or meter.fault == "no_mode_e" or not 0 <= letter <= SPEEDS.index(meter.fastest):
            lines = f"0.0.0({meter.serial})\r\n1.8.0(001234.567*kWh)\r\n!\r\n".encode()
            self._say_text(meter, at, block(lines))
            return
        if meter.confirms:
            self._say_text(meter, at, text)
        meter.opened(SPEEDS[letter], at)

    def _say_text(self, meter, at, text):
        self._answer(meter, at, even(text) if meter.opens_with_parity else text, 300)

    # Answers.

    def _answer(self, meter, at, data, baud):
        delay_s = meter.delay_s
        if delay_s is None:
            delay_s = 0.0 if self.fast else self._random.uniform(*_DELAY_S)
        at += delay_s
        for piece in pieces(meter.fault, data, self._random):
            at += piece.wait_s
            heapq.heappush(self._waiting, (at, next(self._numbers), meter, piece.data, baud))
            at += 0.0 if self.fast else 10 / baud * len(piece.data)

    def _next_due(self):
        times = [queue[0][0] for queue in (self._queue, self._waiting) if queue]
        return min(times) if times else None

    def _deliver(self, now):
        while self._waiting and self._waiting[0][0] <= now:
            at, _, meter, data, baud = heapq.heappop(self._waiting)
            self._say(meter, at, data, baud)
        super()._deliver(now)

    def _restart(self):
        self._waiting.clear()
        self._reader.clear()
        super()._restart()
