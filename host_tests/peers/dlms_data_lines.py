"""Our DLMS data behind JSON lines, for the peers' tests: runs in MicroPython, answers each line of stdin with one."""

import json
import sys

from lib.dlms.axdr import Decoder
from lib.dlms.elements import BEGIN_ARRAY, BEGIN_STRUCTURE, END, FLOAT
from lib.dlms.encoding import Writer
from lib.dlms.errors import FormatError
from lib.dlms.times import decode, encode, utc


def read(octets, step):
    """The tree of a value that came in pieces of `step`: integers, None, hex of strings, [mantissa, exponent] of floats."""
    stack = [[]]

    def take(event, value):
        if event == END:
            stack.pop()
        elif event in (BEGIN_ARRAY, BEGIN_STRUCTURE):
            stack[-1].append([])
            stack.append(stack[-1][-1])
        elif isinstance(value, tuple) and event != FLOAT:
            stack[-1].append([value[0].hex(), value[1]])
        else:
            stack[-1].append(value.hex() if isinstance(value, bytes) else value)

    decoder = Decoder(take)
    view = memoryview(bytes.fromhex(octets))
    try:
        for at in range(0, len(view), step):
            decoder.feed(view[at : at + step])
    except FormatError as error:
        return error.reason
    return stack[0][0] if decoder.is_whole else "truncated"


def write(value):
    writer = Writer(bytearray(8192))
    put(writer, value)
    return bytes(writer.view).hex()


def put(writer, value):
    kind, content = value
    call = getattr(writer, "put_" + kind)
    if kind in ("array", "structure"):
        call(len(content))
        for element in content:
            put(writer, element)
    elif kind == "null":
        call()
    else:
        call(bytes.fromhex(content) if isinstance(content, str) else content)


def time(octets, offset):
    octets = bytes.fromhex(octets)
    return [decode(octets), utc(octets, offset)]


def written_time(unix_s, offset):
    return encode(unix_s, offset).hex()


for line in sys.stdin:
    what, arguments = json.loads(line)
    print(json.dumps(globals()[what](*arguments)))
