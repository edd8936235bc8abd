"""A meter as a table of registers, for those who ask one."""

from lib.modbus.errors import FrameError, PeerError


class Image:
    """`ask` stands for the bus. What was not put is 0. `asked`: (function, address, count) of the last questions.

    `refused`: pairs (function, address) that are answered with exception 2, and with them every range that holds one.
    `is_silent`: nothing is answered. `most`: registers per request, more is answered with exception 3.
    `written(address, value)` hears of each write with function 6.
    """

    def __init__(self, model, serial="X0000124", most=125):
        self._words = {}
        self.asked = []
        self.refused = set()
        self.is_silent = False
        self.most = most
        self.written = None
        self.put(30001, text_words(model, 8))
        self.put(30009, text_words(serial, 4))
        self.put(30013, "007b")  # 1.23
        self.put(30014, text_words("A", 1))

    def put(self, register, words):
        """Set registers from the maker's number on, 3xxxx or 4xxxx, to words given in hex."""
        data = bytes.fromhex(words)
        function = 4 if register < 40000 else 3
        for index in range(len(data) // 2):
            self._words[function, register % 10000 + index] = data[2 * index] << 8 | data[2 * index + 1]

    async def ask(self, request, *_):
        if len(self.asked) > 1000:
            self.asked = self.asked[500:]
        self.asked.append((request.function, request.address, request.count))
        if self.is_silent:
            raise FrameError("no answer")
        if request.count > self.most:
            raise PeerError(3)
        places = [(request.function, request.address + index) for index in range(request.count)]
        if self.refused.intersection(places):
            raise PeerError(2)
        if request.function == 6:
            self.written(request.address, request.adu[4] << 8 | request.adu[5])
            return memoryview(request.adu)[1:-2]
        words = [self._words.get(place, 0) for place in places]
        return memoryview(bytes([request.function, 2 * request.count]) + pack(words))


def pack(words):
    return b"".join([bytes((word >> 8 & 255, word & 255)) for word in words])


def text_words(text, registers):
    """Text as registers hold it, in hex: padded with spaces."""
    return (text + " " * (2 * registers - len(text))).encode().hex()
