"""Our IEC 62056-21 codec behind JSON lines, for the peers' tests: runs in MicroPython, answers each line of stdin with one."""

import json
import sys

from lib.iec62056 import dialogue as talking
from lib.iec62056 import messages, sign_on
from lib.iec62056.dialogue import Dialogue
from lib.iec62056.message_reader import IDENTIFIED, VALUE, WANT_IDENTIFICATION, WANT_SOH, WANT_STX, MessageReader


def request(address):
    return sign_on.request(address.encode()).hex()


def option(line, what):
    return sign_on.Identification(bytes.fromhex(line)).option(what, 19200, 300)[0].hex()


def identify(line):
    meter = sign_on.Identification(bytes.fromhex(line))
    return [meter.maker.decode(), meter.letter.decode(), meter.baud]


def message(command, data):
    return messages.message(command.encode(), None if data is None else data.encode()).hex()


def read(wire):
    """[address, None if it is not repeated; value; unit] of each group of a message."""
    reader = MessageReader()
    reader.expect(WANT_STX | WANT_SOH | WANT_IDENTIFICATION)
    return [data_set(reader) for event in events(reader, bytes.fromhex(wire)) if event == VALUE]


def data_set(reader):
    address = reader.address.decode() if reader.index == reader.line == 0 else None
    return [address, str(reader.value, "ascii"), str(reader.unit, "ascii")]


def events(reader, wire):
    while wire:
        room = reader.room()
        count = min(len(room), len(wire))
        room[:count] = wire[:count]
        reader.filled(count)
        wire = wire[count:]
        while True:
            event = reader.next()
            if event is None:
                break
            yield event


def talk(steps, answers):
    """What a dialogue sends, and what it reads; `steps` are calls of it, `answers` those of the meter, one for each message."""
    dialogue = Dialogue(MessageReader())
    sent, values = [], []
    for name, arguments in steps:
        getattr(dialogue, name)(*[part.encode() if isinstance(part, str) else part for part in arguments])
        while True:
            event = dialogue.next()
            if event == talking.DONE:
                break
            if event == talking.SEND:
                sent.append(bytes(dialogue.to_send).hex())
                coming = bytes.fromhex(answers.pop(0))
            elif event == VALUE:
                values.append(data_set(dialogue.reader))
            elif event != IDENTIFIED:
                room = dialogue.reader.room()
                count = min(len(room), len(coming))
                room[:count] = coming[:count]
                dialogue.reader.filled(count)
                coming = coming[count:]
                if not count:
                    dialogue.silence()
    return sent, values


for line in sys.stdin:
    what, arguments = json.loads(line)
    print(json.dumps(globals()[what](*arguments)))
