"""Security 0: no key and no proof; what goes over the air is plain. For tests.

Source: ESP-IDF v5.5.5 protocomm, security0.c.
"""


class Security0:
    """A session that has nothing to agree on; see Security1."""

    def __init__(self, secret, random):
        self.stage = 2  # always good for requests

    def begin(self, command):
        """Answer S0SessionCmd with a S0SessionResp that has Success only. A generator that never waits."""
        yield from ()
        return b""

    def prove(self, command):
        """Nobody can."""
        return None

    def decrypt(self, request):
        return request

    def encrypt(self, answer):
        return answer
