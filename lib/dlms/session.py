"""An association and what passes in it, the client's side: opened, proved, ciphered, one request and one response at a time.

Source: IEC 62056-5-3 (DLMS UA 1000-2), 9.2.7, 9.3.2 and 9.4. The services are in client.py.
"""

from micropython import const

from lib.crypto.hmac import same
from lib.dlms import association, hls, requests, results
from lib.dlms.ber import octets, put
from lib.dlms.ciphering import ROOM
from lib.dlms.errors import CipherError, FormatError, PeerError
from lib.dlms.requests import ACTION, RESPONSE

CONFORMANCE = const(0x001E1D)  # all that the client can, but for general protection
_ASSOCIATION = b"\0\x0f\0\0\x28\0\0\xff\x01\x01"  # reply_to_HLS of the current association, with a parameter
_CHALLENGE = const(16)  # octets; some meters take no other
_GLOBAL = const(8)  # more in the tag of a request, ciphered for itself with the global key
_DEDICATED = const(16)
_GENERAL_GLOBAL = const(0xDB)
_GENERAL_DEDICATED = const(0xDC)


class Session:
    """What a Client is built upon; `size`: octets of the largest APDU to take. See Client.

    buffer: a bytearray for APDUs to send, None for one of its own; what a reply is in may be the same, for a request is made
    when nothing of the reply before is wanted any more. It takes ROOM octets more than the largest of them.
    """

    def __init__(self, size, buffer=None):
        self.size = size
        self.is_done = False
        self.conformance = self.peer_pdu = 0
        self.invoke_id = 1
        self.wanted_counter = None
        self.use(bytearray(size + ROOM) if buffer is None else buffer)
        self.forget()
        self._limit = 0  # octets that a request may have before it is ciphered

    def use(self, buffer):
        """Have another buffer, between two associations."""
        self._buffer = buffer
        self._most = min(self.size, len(buffer) - ROOM)

    def forget(self):
        """The link is closed: keys and all else of the association need no RAM any more."""
        self.is_open = False
        self._script = self._access = self._keys = self._dedicated = None
        self._reply = self.apdu = b""

    def begin(self, access):
        """Associate: AARQ, and with HLS the second step; the meter is verified before it is believed.

        PeerError: refused ("authentication failure" and so on, .code: the diagnostic). CipherError: the meter does not know
        the secret, or what had to be ciphered was not. ValueError: keys or titles of wrong sizes.
        """
        self.is_open = False
        self._start(self._begin(access))

    def release(self):
        """End the association (RLRQ). PeerError, or no answer: the meter does not know it; close the link either way."""
        self._start(self._release())

    def taking(self, reply):
        """Return an iterator that takes a reply, a memoryview that is deciphered in place. Run it to its end.

        Then either `is_done`, or `apdu` is the next to send. Raises PeerError, FormatError, CipherError.
        """
        self._reply = reply
        return self._advance()

    def take(self, reply):
        """Take a reply at once; return whether it is done, False: send `apdu` next."""
        for _ in self.taking(reply):
            pass
        return self.is_done

    # What is started is a generator: True is yielded when `apdu` is to be sent, None between slices. Its value is the result of
    # a service: None or 0, or the meter refused it.

    def _start(self, script):
        self._script = script
        self.is_done = False
        for _ in self._advance():
            pass

    def _advance(self):
        script = self._script
        if script is None:
            raise ValueError("nothing was started")
        self._script = None  # every error ends it
        try:
            while not next(script):
                yield
            self._script = script
        except StopIteration as end:
            if end.value:
                raise PeerError(results.access(end.value), end.value)
            self.is_done = True
        except PeerError:
            raise
        except Exception:
            self.is_open = False
            raise

    def _begin(self, access):
        self._access = access
        self._keys = self._dedicated = None
        mechanism = access.mechanism
        is_ciphered = access.ciphering != ""
        if is_ciphered or mechanism == hls.GMAC:
            from lib.dlms.ciphering import Keys  # noqa: PLC0415 - RAM that only those pay for who have such meters

            self._keys = Keys(access.title, access.ek, access.ak, access.next_counter, access.security, access.peer_counter)
            if is_ciphered and access.dedicated:
                self._dedicated = Keys(access.title, access.dedicated, access.ak, access.next_counter, access.security)
        conformance = access.conformance
        if conformance is None:
            conformance = CONFORMANCE
            if access.ciphering == "general":
                conformance |= association.GENERAL_PROTECTION
        information = association.initiate_request(conformance, self.size, access.dedicated if is_ciphered else None)
        if is_ciphered:
            information = yield from self._protect_initiate(information)
        value = access.secret if mechanism <= hls.LLS else access.random(_CHALLENGE)
        context = association.CIPHERED_CONTEXT if is_ciphered else association.CONTEXT
        title = access.title if self._keys or mechanism == hls.SHA256 else b""
        self.apdu = association.aarq(context, mechanism, value, title, information)
        yield True
        aare = association.Aare(self._reply)
        information = yield from self._accepted(aare, context)
        agreed, peer_pdu = association.initiate_response(information)
        self.conformance = conformance & agreed
        self.peer_pdu = self._limit = min(peer_pdu or self._most, self._most)
        if is_ciphered:
            self._limit -= self._keys.overhead(self._prefix(ACTION), self.peer_pdu)
        if mechanism > hls.LLS:
            yield from self._prove(mechanism, value, aare.challenge, aare.title)
        self.is_open = True

    def _protect_initiate(self, information):
        end = ROOM + len(information)
        self._buffer[ROOM:end] = information
        tag = bytes((association.CIPHERED_INITIATE_REQUEST,))
        return bytes((yield from self._keys.protect(tag, self._buffer, ROOM, len(information))))

    def _accepted(self, aare, context):
        """Return the initiate response in clear."""
        if aare.result:
            if aare.diagnostic <= 1:  # else that says more
                association.raise_refusal(aare.information)
            raise PeerError(results.diagnostic(aare.source, aare.diagnostic) or "refused", aare.diagnostic)
        if aare.context not in (None, context):
            raise CipherError("another context")
        if self._keys:
            if aare.title == self._keys.title:
                raise CipherError("our own title")
            self._keys.peer_title = aare.title
            if self._dedicated:
                self._dedicated.peer_title = aare.title
        information = aare.information
        if context != association.CIPHERED_CONTEXT:
            return information
        if not len(information) or information[0] != association.CIPHERED_INITIATE_RESPONSE:
            raise CipherError("not ciphered")
        return (yield from self._open(self._keys, information[1:]))

    def _prove(self, mechanism, sent, received, peer_title):
        """The second step of HLS: answer the meter's challenge, and check its answer to ours."""
        if not 8 <= len(received) <= 64 or received == sent:
            raise CipherError("no challenge")
        access, keys = self._access, self._keys
        if mechanism == hls.GMAC:
            answer = keys.gmac(received)
        else:
            answer = hls.answer(mechanism, access.secret, access.title, peer_title, received, sent)
        head = self._head(ACTION, requests.NORMAL) + _ASSOCIATION
        reply = yield from self._ask(head, put(9, answer))
        if reply[1] != requests.NORMAL:
            raise FormatError("no result")
        if reply[3]:
            raise PeerError("authentication failure", reply[3])
        got = octets(reply, 7)[0] if bytes(reply[4:7]) == b"\1\0\x09" else b""
        if mechanism == hls.GMAC:
            is_right = keys.is_answer(got, sent)
        else:
            is_right = same(got, hls.answer(mechanism, access.secret, peer_title, access.title, sent, received))
        if not is_right:
            raise CipherError("the meter does not know the secret")

    def _release(self):
        information = b""
        if self._access.ciphering:
            information = yield from self._protect_initiate(association.initiate_request(self.conformance, self.size))
        self.apdu = association.rlrq(information)
        self.is_open = False
        yield True
        association.check_rlre(self._reply)

    def _head(self, service, kind):
        invoke_id = self.invoke_id
        self.invoke_id = invoke_id + 1 & 15
        return requests.head(service, kind, invoke_id)

    def _need(self, bits, what):
        if not self.conformance & bits:
            raise PeerError("the meter knows no " + what)

    def _ask(self, head, data):
        """Send a request; its response in clear is the value: a view, at least four octets."""
        size = len(head) + len(data)
        if size > self._limit:
            raise PeerError("longer than the meter takes")
        view = memoryview(self._buffer)
        start = ROOM if self._access.ciphering else 0
        view[start : start + len(head)] = head
        view[start + len(head) : start + size] = data
        if self._access.ciphering:
            keys = self._dedicated or self._keys
            self.apdu = yield from keys.protect(self._prefix(head[0]), self._buffer, start, size)
        else:
            self.apdu = view[:size]
        yield True
        reply = yield from self._clear(self._reply, head[0])
        if reply[0] != head[0] + RESPONSE or len(reply) < 4:
            raise FormatError("no response")
        if (reply[2] ^ head[2]) & 0x0F:
            raise FormatError("response to another request")
        return reply

    def _prefix(self, service):
        """What stands in front of the length of a ciphered request."""
        if self._access.ciphering == "general":
            return put(_GENERAL_DEDICATED if self._dedicated else _GENERAL_GLOBAL, self._keys.title)
        return bytes((service + (_DEDICATED if self._dedicated else _GLOBAL),))

    def _clear(self, reply, service):
        self._check_refusal(reply)
        if not self._access.ciphering:
            return reply
        tag = reply[0]
        body = reply[1:]
        if tag in (_GENERAL_GLOBAL, _GENERAL_DEDICATED):
            title, end = octets(body, 0)
            if len(title) and bytes(title) != self._keys.peer_title:
                raise CipherError("another title")
            body = body[end:]
        if tag in (service + _GLOBAL + RESPONSE, _GENERAL_GLOBAL):
            keys = self._keys
        elif self._dedicated and tag in (service + _DEDICATED + RESPONSE, _GENERAL_DEDICATED):
            keys = self._dedicated
        else:
            raise CipherError("not ciphered")
        reply = yield from self._open(keys, body)
        self._check_refusal(reply)
        return reply

    def _open(self, keys, body):
        plain = yield from keys.open(body)
        self._access.peer_counter = self._keys.peer_counter
        return plain

    def _check_refusal(self, reply):
        if len(reply) < 3:
            raise FormatError("truncated")
        if reply[0] == association.EXCEPTION:
            if len(reply) >= 7:
                self.wanted_counter = int.from_bytes(reply[3:7], "big")
            if reply[1] == 1:
                self.is_open = False
        association.raise_refusal(reply)
