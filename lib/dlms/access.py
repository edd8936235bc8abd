"""How to associate with a meter: what a Client is told of it, and the counters that both keep."""

from lib.dlms import hls


class Access:
    """How to associate with one meter. Give the same object again for its next association: counters live in it.

    mechanism     of hls.py, 0 to 6
    secret        password (LLS) or secret (HLS 2, 3, 4, 6): octets
    title         the client's system title, 8 octets; needed for ciphering and for HLS 5 and 6
    ek, ak        encryption and authentication key, 16 octets each; needed for ciphering and HLS 5
    ciphering     "" plain, "glo" a ciphered tag for each service, "general" general-glo-ciphering
    security      what is applied: 0x10 authentication, 0x20 encryption, 0x30 both. Replies with less are refused.
    dedicated     dedicated key, 16 octets that were never used before, None: global keys only
    conformance   bits to propose, see association.py; None: all that the client can
    next_counter  function() -> the invocation counter to use now, greater than all before under this key. It is asked before
                  each ciphered APDU and for each answer of HLS 5; whoever answers keeps what is still to come in flash first.
    random        function(n) -> n random octets, as os.urandom; needed for HLS
    peer_counter  the last counter accepted from the meter under ek; -1 takes any. Only greater ones are accepted.
    """

    def __init__(self, **options):
        self.mechanism = hls.NONE
        self.secret = self.title = self.ek = self.ak = b""
        self.ciphering = ""
        self.security = 0x30
        self.dedicated = self.conformance = self.next_counter = self.random = None
        self.peer_counter = -1
        for name, value in options.items():
            getattr(self, name)  # there is no other
            setattr(self, name, value)
