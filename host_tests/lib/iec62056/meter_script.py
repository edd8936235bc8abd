"""A meter by script for the tests of the dialogue: what it must be sent, at which speed, and what it answers."""

from lib.iec62056 import dialogue as talking
from lib.iec62056 import message_reader as reading
from lib.iec62056.dialogue import Dialogue
from lib.iec62056.message_reader import MessageReader


class Script:
    """One exchange after the other: (sent, baud, answer). `heard` are the values that count, `log` everything else."""

    def __init__(self, *exchanges, step=64, echo=False, has_parity=False):
        self.exchanges = list(exchanges)
        self.step = step
        self.echo = echo
        self.dialogue = Dialogue(MessageReader())
        self.dialogue.has_parity = has_parity
        self.coming = b""
        self.heard = []
        self.log = []
        self.pauses = []
        self.waits = []
        self.answer_baud = None

    def _sent(self):
        dialogue = self.dialogue
        self.pauses.append(dialogue.pause_ms)
        sent, baud, answer = self.exchanges.pop(0)
        assert bytes(dialogue.to_send) == sent, (bytes(dialogue.to_send), sent)
        assert dialogue.baud == baud, (sent, dialogue.baud)
        self.coming = (sent if self.echo else b"") + answer

    def run(self):
        """Do what the dialogue says until it is done; the values since the last PART count only then."""
        dialogue = self.dialogue
        reader = dialogue.reader
        pending = []
        while True:
            event = dialogue.next()
            if event is None:
                self.waits.append(dialogue.wait_ms)
                if not self.coming:
                    dialogue.silence()
                    continue
                room = reader.room()
                piece = self.coming[: min(self.step, len(room))]
                self.coming = self.coming[len(piece) :]
                room[: len(piece)] = piece
                reader.filled(len(piece))
            elif event == talking.SEND:
                self._sent()
            elif event == reading.VALUE:
                pending.append((reader.address, bytes(reader.text)))
            elif event in (reading.PART, talking.DONE):
                self.heard += pending
                pending = []
                if event == talking.DONE:
                    return self
            elif event == talking.AGAIN:
                self.log.append("again")
                pending = []
            elif event == reading.IDENTIFIED:
                self.log.append(dialogue.identification.maker.decode())
