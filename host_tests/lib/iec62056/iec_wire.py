"""What the tests of the codec share: captures, messages made by the standard's words, a player of received bytes."""

from lib.iec62056 import message_reader as reading
from lib.iec62056.errors import FrameError
from lib.iec62056.message_reader import MessageReader

ANSWERS = reading.WANT_IDENTIFICATION | reading.WANT_STX
# What a line shows when drivers are switched on
SWITCH_ON = b"\xff\x7f\x00\x00\xff"


def capture(name):
    with open("host_tests/vectors/iec62056/" + name, "rb") as file:
        return file.read()


def bcc(data):
    value = 0
    for byte in data:
        value ^= byte
    return bytes((value & 0x7F,))


def block(text, end=b"\x03"):
    """A data message around lines."""
    return b"\x02" + text + end + bcc(text + end)


def framed(name):
    """A capture as the bytes of a message; identifications and echoes in front stay there."""
    data = capture(name)
    if name.endswith(".bin") or name in PLAIN:
        return data
    if data[:1] == b"/":
        at = data.find(b"\n") + 1
        return data[:at] + block(data[at:])
    return block(data)


# Kept as a meter sends it unasked: no STX, no ETX
PLAIN = ("iskra-am550-p1.txt", "landis-zmd120.txt")
READ_OUTS = PLAIN + ("landis-zmr120-k76.txt", "makel-c500.txt", "viko-vemm.txt", "emh-lzqj-table4.txt")
PROFILES = (
    "emh-lzqj-p01.txt",
    "emh-p01-energy8.txt",
    "emh-p98.txt",
    "nzr-p01.txt",
    "p01-four-channel.txt",
    "p01-one-minute.txt",
)


def pieces(data, step):
    for at in range(0, len(data), step):
        yield data[at : at + step]


def feed(reader, data, step, tell):
    """Give bytes to a reader in pieces; call tell(event) for all it says."""
    for piece in pieces(data, step):
        while piece:
            room = reader.room()
            count = min(len(room), len(piece))
            room[:count] = piece[:count]
            reader.filled(count)
            piece = piece[count:]
            while True:
                event = reader.next()
                if event is None:
                    break
                tell(event)


def plain_values(data):
    """[(address, text)] of all groups, split line by line as a human would."""
    found = []
    address = b""
    for line in data.split(b"\r\n"):
        if line[:1] == b"/":
            continue
        while b"(" in line:
            front, _, line = line.partition(b"(")
            text, _, line = line.partition(b")")
            address = front.strip(b" \x02") or address
            found.append((address, text))
    return found


class Player:
    """Everything a reader says of some bytes. `values` are [(address, index, line, value, unit)]."""

    def __init__(self, wanted=ANSWERS, is_plain=False, size=512, rows=False):
        self.reader = MessageReader(size)
        self.reader.tells_rows = rows
        self.reader.expect(wanted, is_plain)
        self.values = []
        self.told = []  # everything else
        self.texts = []

    def tell(self, event):
        reader = self.reader
        if event == reading.VALUE:
            self.values.append((reader.address, reader.index, reader.line, bytes(reader.value), bytes(reader.unit)))
            self.texts.append((reader.address, bytes(reader.text)))
        else:
            is_text = event in (reading.TEXT, reading.IDENTIFIED)
            self.told.append((event, bytes(reader.text)) if is_text else event)

    def play(self, data, step=64):
        feed(self.reader, data, step, self.tell)
        return self

    @property
    def is_done(self):
        return reading.BLOCK in self.told


def compared(data, step, expected, **settings):
    """Play bytes and compare each value with [(address, text)]; return how many came, and what else was told.

    Nothing is kept: for read-outs that would fill the heap.
    """
    player = Player(**settings)
    reader = player.reader
    count = [0]

    def tell(event):
        if event != reading.VALUE:
            player.tell(event)
            return
        address, text = expected[count[0]]
        assert reader.address == address and reader.text == text, (count[0], address)
        count[0] += 1

    feed(reader, data, step, tell)
    return count[0], player.told


def outcome(data, step=64, **settings):
    """(values, what else was told, reason of the error or None) when these bytes are all that comes."""
    player = Player(**settings)
    try:
        player.play(data, step)
        if not player.is_done:
            player.reader.silence()
    except FrameError as error:
        return player.values, player.told, error.reason
    return player.values, player.told, None
