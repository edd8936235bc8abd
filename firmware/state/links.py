"""What is known of a link, a target that readings are pushed to: for those who serve it, and for all who tell of it."""

from micropython import const

MQTT = const(1)  # values of push#_protocol; 0 is off
XML = const(2)
POST = const(3)


class Link:
    """`number`: 1 or 2. `protocol`: as above.

    `state`: "Disabled", "Connecting", "Connected", "Disconnected" (it was there, or nobody refused anything) or "Error".
    `failure`: the last cause there was, as long as the settings are the same; `failed`: Unix seconds of it, 0 for none.
    `is_tested`: its settings are being tried.
    `since`: Unix seconds when that began. `cause`: why the last connection ended or could not be made, a word of
    lib/aio/connect.py, of lib/mqtt/client.py, or "status" and "answer" of a server that did not take a reading; "" for nothing.
    `sent`: readings that arrived since the start. `due`: slots whose present values are wanted soon, None for the gateway.
    `is_changed`: everything there is to tell is to be told again.
    `end`: async function that says goodbye, None for none. `buffers`: of who serves it, kept when it begins anew.
    `context`: the tls.SSLContext that its settings mean, once it was made.
    `is_reserve`: the reserve server's turn, or it serves. `is_returning`: the main server is there again: to be connected to.
    `reserve`: who decides about the two (firmware/services/push_reserve.py), None for a link with one server.
    `is_trying`: nobody knows yet whether the server takes readings.
    `feed`: load profiles for it (firmware/services/push_profile.py), None for a link that has none.
    """

    def __init__(self, number):
        self.number = number
        self.protocol = 0
        self.sent = 0
        self.is_tested = False
        self.due = set()
        self.is_changed = False
        self.end = None
        self.buffers = None
        self.context = None
        self.reserve = None
        self.feed = None
        self._trouble = ""
        self.begin()
        self.tell("Disabled", "", 0)

    def begin(self):
        """It has other settings: the main server's turn."""
        self.is_reserve = self.is_returning = self.is_trying = False
        self._causes = ["", ""]  # of the main server and the reserve, since the last connection
        self._was_reserve = False  # who served last

    def greeting(self, is_new):
        """Return how to say that there is a connection, "" if that is known: `is_new`, or to another server than the last."""
        was, self._was_reserve = self._was_reserve, self.is_reserve
        if not is_new and was == self.is_reserve:
            return ""
        self._causes = ["", ""]
        return "connected" + (" to the reserve server" if self.is_reserve else " to the main server again" if was else "")

    def is_news(self, cause):
        """Return whether the server whose turn it is failed for something else before."""
        was, self._causes[self.is_reserve] = self._causes[self.is_reserve], cause
        return cause != was

    def is_new(self, trouble):
        """Note what goes wrong, in words; return whether it is something else than before."""
        was, self._trouble = self._trouble, trouble
        return trouble != was

    def tell(self, state, cause, now):
        """Note a state and a cause; return whether either is new."""
        if hasattr(self, "state") and self.state == state and self.cause == cause:
            return False
        self.state, self.cause, self.since = state, cause, now
        if cause or state in ("Disabled", "Connecting"):  # the latter with new settings only
            self.failure, self.failed = cause, now if cause else 0
        return True
