"""The device's side of ESP-IDF's unified provisioning, with which Espressif's phone apps give a device its Wi-Fi.

Request in, answer out: one client, one request at a time, over any transport; Bluetooth's part is to write a request and
read its answer. Requests and answers are whole messages of at most 512 bytes; proto-ver is text, all else protobuf, and but for
prov-session encrypted.

Source: ESP-IDF v5.5.5 protocomm.c and wifi_provisioning, manager.c (version text).
"""

from micropython import const

from lib.provision.errors import Refused
from lib.provision.protobuf import decode, inner, member, number, scalar
from lib.provision.wifi import WifiEndpoints

_MOST_BYTES = const(512)  # of an attribute's value

# A session's stages: 0, of no use yet or any more; waits for the client's proof; the client has proved itself
_PROOF = const(1)
_DONE = const(2)


class Provisioner:
    """Answers the requests to the endpoints proto-ver, prov-session, prov-scan, prov-config and prov-ctrl.

    failures    how many clients sent a wrong proof; the owner limits guessing, and may set it
    established whether a client has proved itself and may go on
    """

    def __init__(self, security, secret, wifi, random, failed=None, insecure=False):
        """Make one; only the modules of this security are loaded.

        security    1, 2, or 0 if `insecure` is True
        secret      1: the proof of possession, bytes, may be empty; 2: (salt, verifier), bytes, the salt not beginning with a 0
        wifi        object of the product; see lib/provision/wifi.py
        random      function of a count that returns as many bytes, such as os.urandom
        failed      called without arguments after each wrong proof, None for nobody
        """
        if security == 1:
            from lib.provision.security1 import Security1 as Scheme
        elif security == 2:
            from lib.provision.security2 import Security2 as Scheme

            if not secret[0][0]:
                raise ValueError("salt")
        elif security == 0 and insecure:
            from lib.provision.security0 import Security0 as Scheme
        else:
            raise ValueError("security")
        self._security = security
        self._scheme = Scheme
        self._secret = secret
        self._random = random
        self._wifi = wifi
        self._failed = failed
        self.failures = 0
        self.disconnected()

    def disconnected(self):
        """Forget the client. For a connection that ended, and before the first request of a new one."""
        self._session = None if self._security else self._scheme(None, None)
        self._endpoints = WifiEndpoints(self._wifi)

    @property
    def established(self):
        return self._session is not None and self._session.stage == _DONE

    def handle(self, endpoint, request):
        """Answer a request (bytes); a generator that returns the answer (bytes) or raises Refused.

        It yields None when it has computed for some milliseconds, or waits for a scan: let others run. prov-session yields more
        than a thousand times with security 2, so that sleeping each time would outlast the client's 30 s; prov-scan may well be
        slept for. Drive it to its end, or close it when the client has gone, before the next one.
        """
        if not 0 < len(request) <= _MOST_BYTES:
            raise Refused("length")
        if endpoint == "proto-ver":
            return self._version()
        if endpoint == "prov-session":
            return (yield from self._handshake(request))
        if endpoint not in ("prov-scan", "prov-config", "prov-ctrl"):
            raise Refused("endpoint")
        if not self.established:
            raise Refused("no session")
        session, endpoints = self._session, self._endpoints
        plain = session.decrypt(request)
        if endpoint == "prov-scan":
            answer = yield from endpoints.scan(plain)
        elif endpoint == "prov-config":
            answer = endpoints.config(plain)
        else:
            answer = endpoints.control(plain)
        return session.encrypt(answer)

    def _version(self):
        """The JSON of proto-ver, for anybody at any time. sec_patch_ver 1: nonces of security 2 that count."""
        security = self._security
        also = '"no_sec",' if not security else '"no_pop",' if security == 1 and not self._secret else ""
        patch = 1 if security == 2 else 0
        text = '{"prov":{"ver":"v1.1","sec_ver":%d,"sec_patch_ver":%d,"cap":[%s"wifi_scan"]}}' % (security, patch, also)
        return text.encode()

    def _handshake(self, request):
        """prov-session. Command 0 starts anew from anywhere; a command 1 that is not right ends what was begun."""
        fields = decode(request)
        security = self._security
        if number(fields, 2) != security:
            raise Refused("security")
        payload = inner(fields, 10 + security)
        command = number(payload, 1)
        session = self._session
        if command == 0:
            self.disconnected()
            session = self._session = self._scheme(self._secret, self._random)
            content = yield from session.begin(inner(payload, 20))
            if security:
                session.stage = _PROOF
        elif command == 2 and session is not None and session.stage == _PROOF:
            self._session = None
            content = session.prove(inner(payload, 22))
            if content is None:
                self.failures += 1
                if self._failed:
                    self._failed()
                raise Refused("proof")
            session.stage = _DONE
            self._session = session
        else:
            raise Refused("command")
        answer = member(1, command + 1) + member(21 + command, content)
        return scalar(2, security) + member(10 + security, answer)
