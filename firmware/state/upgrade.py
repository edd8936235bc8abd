"""How an upgrade goes, and which version is the newest. In RAM; who does the work: firmware/services/upgrade*.py."""

from micropython import const

_FIRST_S = const(20)  # after the start, when the network is there
_SOON_S = const(3)


class Upgrade:
    """`phase`: "idle", "connecting", "downloading", "uploading", "waiting" (to try again), "checking" (what was written),
    "restarting", "failed".

    done, total: bytes of the image's file; total is 0, and `version` empty, until its header was accepted. cause, sentence: why
    it failed, or waits, a word for programs and a sentence for people.
    """

    def __init__(self):
        self.done = 0
        self.latest = ""  # the newest version by latest.json, "" if not known
        self.trouble = ""  # why it is not known
        self.task = None  # of an upgrade or a check that runs
        self.has_looked = False  # what became of the last one
        self.due_s = _FIRST_S  # uptime when firmware/services/upgrade.py is to look what is to be done
        self.begin("idle")

    def begin(self, phase):
        """Forget the last one."""
        self.phase = phase
        self.done = self.total = 0
        self.version = self.cause = self.sentence = ""

    def tell(self, phase, cause="", sentence=""):
        self.phase, self.cause, self.sentence = phase, cause, sentence

    @property
    def is_busy(self):
        """Whether an upgrade runs."""
        return self.phase not in ("idle", "failed")

    @property
    def percent(self):
        return self.done * 100 // self.total if self.total else 0

    def changed(self, uptime_s):
        """The settings changed: look soon."""
        self.due_s = uptime_s + _SOON_S
