"""The two ways in which a server's answer fails. What we ask wrongly ourselves is a ValueError."""


class FrameError(Exception):
    """Not an answer to our question: noise, a forgery, or broken; args[0] names what is wrong. Wait on, or ask again."""


class PeerError(Exception):
    """The server understood and has nothing for us; args[0] is its code, as "RATE" or "NXDOMAIN". Ask another."""
