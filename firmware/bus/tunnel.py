"""The wire of a port in the hands of somebody outside: whatever is sent goes out, whatever comes in is handed over.

It knows no protocol; one client has it at a time. A wire that has an owner is borrowed. Every owner of a wire, be it a master,
a slave or a reader of meters, has for that

- `await pause()`: it lets go of the wire and returns when what was going on there is over, at once if nothing was; cancelled
  it counts as asked. From then on the UART is not touched, its settings may change, its beat goes on. Who asks for himself
  meanwhile is told "busy" at once; what is asked by a timetable waits, and nothing counts as silent because of it.
- `resume()`: the UART is set as it was; it goes on. Resuming what was not paused does nothing.

firmware/field.py does both: see Field.borrow().
"""

from micropython import const

_MOST_AT_ONCE = const(256)  # a Modbus frame goes out in one piece: silence within would cut it in two
_SHORTEST_MS = const(2)
_LONGEST_MS = const(20)
BAUDS = const((300, 600, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200))


class Tunnel:
    """A wire on loan. `line`: (speed, parity, stop bits, data bits) as it is set. `sent`, `received`: characters so far."""

    def __init__(self, uart, line):
        self._uart = uart
        self.sent = 0
        self.received = 0
        self.line = ()
        self.configure(*line)

    def configure(self, baud, parity, stop, bits=8):
        """Set the line; return whether the port can do that. It stays as it was if not."""
        if baud not in BAUDS or parity not in ("N", "E", "O") or stop not in (1, 2) or bits not in (7, 8):
            return False
        line = (baud, parity, stop, bits)
        if line != self.line:
            self._uart.configure(*line)
            self.line = line
        return True

    async def send(self, view):
        """Send all of a view; return when its last character is out. Raises OSError."""
        for start in range(0, len(view), _MOST_AT_ONCE):
            piece = view[start : start + _MOST_AT_ONCE]
            await self._uart.send(piece)
            self.sent += len(piece)

    def receive(self, view):
        """Put what came in into the view; return how many characters that were, 0 if none. Never waits. Raises OSError."""
        count = self._uart.receive(view)
        self.received += count
        return count

    def discard(self):
        """Throw away what came in."""
        self._uart.discard()

    @property
    def look_ms(self):
        """How long to wait from one receive() that gave nothing to the next."""
        return max(_SHORTEST_MS, min(self._uart.char_us // 1000, _LONGEST_MS))
