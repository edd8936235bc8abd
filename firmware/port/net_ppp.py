"""A mobile network: the thin driver over a modem's UART and MicroPython's network.PPP, or what plays it (ppp_fake.py).

The modem is led into data mode and out of it by firmware/services/modem.py. MicroPython 1.27 or later: PPP of 1.26 may hang.
"""

_NO_ADDRESS = "0.0.0.0"
# What status() tells: states of MicroPython's own, or errors of lwIP, negative
_AT_WORK = (3, 4)  # connecting, connected
_LOGIN_REFUSED = -7  # PPPERR_AUTHFAIL
# From so many dBm on one more of four lights is lit; ours
_STEPS = (-109, -97, -85, -73)


class NetPpp:
    """As firmware/port/net_wlan.py to those who ask for `mode`, `address` and so on; `ssid` is the operator's name.

    `line`: a UART (firmware/port/uart_pty.py) that has the stream below it as `stream`. `make_ppp(stream)` gives the
    network.PPP. `hold_reset(is_held)` pulls the modem's reset. `lights(count)` lights so many of four.
    """

    mode = "Modem"
    actions = "firmware.port.ppp_actions"  # the name of the module whose functions take this as their first argument
    patience_ms = 180000  # until something else is tried

    def __init__(self, line, make_ppp, hold_reset, lights):
        self.line = line
        self.hold_reset = hold_reset
        self._make_ppp = make_ppp
        self._lights = lights
        self._ppp = None  # made when it is first used
        self.is_wanted = False
        self.is_open = False
        self.ssid = ""
        self.rssi = 0  # dBm when it was last measured, 0 if it is not known
        self.static_servers = ()
        self.forget()

    def open(self, user, key, is_pap):
        """Begin with PPP: the modem is in data mode. Raises OSError."""
        if self._ppp is None:
            self._ppp = self._make_ppp(self.line.stream)
        ppp = self._ppp
        ppp.connect(security=(ppp.SEC_PAP if is_pap else ppp.SEC_CHAP) if user else ppp.SEC_NONE, user=user, key=key)
        self.is_open = True

    def close(self):
        """End PPP: the UART is the dialogue's again."""
        self.forget()
        if self.is_open:
            self.is_open = False
            self._ppp.disconnect()

    def has_let_go(self):
        """Return whether PPP is done with the UART after close(); to be asked again. Until then it takes what comes."""
        if self._ppp is None or self._ppp.status() not in _AT_WORK:
            return True
        self._ppp.poll()
        return False

    def drop(self):
        """PPP does not let go of the UART: the next one is another one."""
        self._ppp = None

    def look(self):
        """Return whether there is a connection and an address; hand over what was received."""
        if not self.is_open:
            return False
        ppp = self._ppp
        ppp.poll()  # its interrupt comes when the line falls silent only
        if not ppp.isconnected():
            self.forget()
            return False
        if self.address == _NO_ADDRESS:
            self.address, self.netmask, _, server = ppp.ifconfig()
            self.dns_servers = self.static_servers or ((server,) if server != _NO_ADDRESS else ())
        return self.address != _NO_ADDRESS

    @property
    def is_refused(self):
        """Whether the network refused user or password."""
        return self.is_open and self._ppp.status() == _LOGIN_REFUSED

    def forget(self):
        """Nothing is known of a connection."""
        self.address = self.netmask = _NO_ADDRESS
        self.dns_servers = ()

    def measured(self, dbm):
        """The modem told how strong the signal is; 0: it does not know."""
        self.rssi = dbm
        self._lights(len([step for step in _STEPS if dbm and dbm >= step]))
