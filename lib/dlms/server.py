"""The application layer of a small DLMS server: one APDU in, one APDU out. No I/O, no clock, no ciphering.

GET (with selectors, in blocks, with list), SET and ACTION of what fits into one APDU. Source: IEC 62056-5-3, 9.3 and 9.4.

`objects` decides what there is, and who may do what:

    get(class_id, ln, attribute, selector, client) -> an iterable of A-XDR octets in pieces, which is drawn block by block
    set(class_id, ln, attribute, data, client)
    act(class_id, ln, method, data, client) -> A-XDR octets, or None

ln: bytes. selector: None, or (1 or 2, octets of its parameters, for selection.py). data: bytes, one value; None of a method
without. client: its SAP. Each may raise PeerError(reason, data-access-result); get() before its first piece. What takes long
may come in steps: None among the pieces of get(), and what set() returns, None or an iterable; see answering().
"""

from struct import pack, unpack_from

from micropython import const

from lib.crypto.hmac import same
from lib.dlms import association, hls, requests
from lib.dlms import association_server as opening
from lib.dlms.errors import FormatError, PeerError
from lib.dlms.extent import Extent
from lib.dlms.requests import ACTION, GET, RESPONSE, SET

OTHER_REASON = const(250)
_DENIED = const(3)
_BLOCK_UNAVAILABLE = const(14)
_WRONG_BLOCK = const(19)
_PUBLIC = const(0x001214)  # conformance: GET of all kinds
_ALL = const(0x00121D)  # and SET and ACTION
_HEAD = const(12)  # octets of a block in front of its raw data
_TARGET = const(9)
_NOT_ASSOCIATED = b"\xd8\x01\x01"
_UNKNOWN = b"\xd8\x02\x02"
_NOT_POSSIBLE = b"\xd8\x02\x01"
_MALFORMED = b"\xd8\x02\x03"


class Server:
    """Serves one link. passwords: {client SAP: password (LLS), or b"" for a client that needs none, and only reads}.

    client    SAP of who is associated, None for nobody
    reply     the last answer
    failures  wrong passwords since the start
    """

    def __init__(self, objects, passwords, size=1024):
        """size: octets of the longest APDU to take and to send."""
        self.failures = 0
        self._objects = objects
        self._passwords = passwords
        self._buffer = memoryview(bytearray(size))
        self._extent = Extent()
        self.reset()

    def reset(self):
        """Forget the association: its link is gone, or new."""
        self.client = None
        self._abort()

    def answer(self, request, client):
        """Return the answer to an APDU of a client: a view or bytes, valid until the next."""
        for _ in self.answering(request, client):
            pass
        return self.reply

    def answering(self, request, client):
        """Answer an APDU in steps: yield whatever `objects` does between them; `reply` is the answer then."""
        self.reply = yield from self._answer(request, client)

    def _answer(self, request, client):
        tag = request[0] if len(request) else 0
        try:
            if tag == association.AARQ:
                return self._associate(request, client)
            if self.client != client:
                return _NOT_ASSOCIATED
            if tag == association.RLRQ:
                self.reset()
                return b"\x63\x03" + association.NORMAL
            if len(request) < 4:
                return _MALFORMED
            return (yield from self._serve(tag, request[1], bytes((request[2],)), request[3:]))
        except FormatError:
            return _MALFORMED
        except PeerError:  # in the midst of a list
            self._abort()
            return _NOT_POSSIBLE

    def _associate(self, request, client):
        self.reset()
        try:
            aarq = opening.Aarq(request)
        except PeerError:
            return opening.refused(opening.NO_REASON)
        diagnostic = self._check(aarq, client)
        if diagnostic:
            return opening.refused(diagnostic)
        self.client = client
        size = len(self._buffer)
        self._limit = min(aarq.most_pdu or size, size)
        self._may_write = bool(self._passwords[client])
        self._agreed = aarq.conformance & (_ALL if self._may_write else _PUBLIC)
        return opening.accepted(self._agreed, size)

    def _check(self, aarq, client):
        """Return the diagnostic with which to refuse, 0 for none."""
        password = self._passwords.get(client)
        if aarq.context != association.CONTEXT:
            return opening.CONTEXT_UNKNOWN
        if password is None or (aarq.most_pdu and aarq.most_pdu < 2 * _HEAD):
            return opening.NO_REASON
        if aarq.mechanism > hls.LLS:
            return opening.MECHANISM_UNKNOWN
        if not password:
            return 0
        if aarq.mechanism != hls.LLS:
            return opening.PASSWORD_NEEDED
        if not same(aarq.value, password):
            self.failures += 1
            return opening.WRONG_PASSWORD
        return 0

    def _serve(self, service, kind, invoke, body):
        if service == GET and kind == requests.NEXT:
            return (yield from self._next(invoke, body))
        self._abort()
        if service == GET and kind == requests.NORMAL:
            return (yield from self._get(invoke, body))
        if service == GET and kind == requests.GET_LIST:
            return (yield from self._get_list(invoke, body))
        if service == SET and kind == requests.NORMAL:
            result = yield from self._set(body)
            return bytes((SET + RESPONSE, kind)) + invoke + bytes((result,))
        if service == ACTION and kind == requests.NORMAL:
            return bytes((ACTION + RESPONSE, kind)) + invoke + self._act(body)
        return _UNKNOWN

    def _get(self, invoke, body):
        target, end = self._target(body, 0)
        _end(body, end)
        head = bytes((GET + RESPONSE, requests.NORMAL)) + invoke
        try:
            pieces = yield from _begun(self._objects.get(*target, self.client))
            return (yield from self._give(head + b"\0", pieces, invoke))
        except PeerError as error:
            return head + bytes((1, _code(error)))

    def _get_list(self, invoke, body):
        targets = []
        at = 1
        for _ in range(body[0]):
            target, at = self._target(body, at)
            targets.append(target)
        _end(body, at)
        head = bytes((GET + RESPONSE, requests.GET_LIST)) + invoke
        return (yield from self._give(head, self._listed(targets, self.client), invoke))

    def _listed(self, targets, client):
        yield bytes((len(targets),))
        for target in targets:
            try:
                pieces = yield from _begun(self._objects.get(*target, client))
            except PeerError as error:
                yield bytes((1, _code(error)))
                continue
            yield b"\0"
            yield from pieces

    def _target(self, body, at):
        """((class, ln, attribute, selector), where the next begins)"""
        if len(body) < at + _TARGET + 1:
            raise FormatError("truncated")
        class_id, ln, attribute, is_selected = unpack_from(">H6sBB", body, at)
        at += _TARGET + 1
        selector = None
        if is_selected:
            size = self._extent_of(body[at + 1 :])
            selector = body[at], bytes(body[at + 1 : at + 1 + size])
            at += 1 + size
        return (class_id, ln, attribute, selector), at

    def _extent_of(self, view):
        """How many octets the first value of a view has."""
        self._extent.restart()
        size = self._extent.feed(view)
        if not self._extent.is_whole:
            raise FormatError("truncated")
        return size

    def _set(self, body):
        """Return the result."""
        (class_id, ln, attribute, selector), at = self._target(body, 0)
        data = self._one(body[at:])
        if not self._may_write or selector:
            return _DENIED
        try:
            steps = self._objects.set(class_id, ln, attribute, data, self.client)
            if steps:
                yield from steps
        except PeerError as error:
            return _code(error)
        return 0

    def _act(self, body):
        """Return the result, and what the method returns."""
        if len(body) < _TARGET + 1:
            raise FormatError("truncated")
        class_id, ln, method, has_data = unpack_from(">H6sBB", body)
        data = self._one(body[_TARGET + 1 :]) if has_data else None
        if not has_data:
            _end(body, _TARGET + 1)
        if not self._may_write:
            return bytes((_DENIED, 0))
        try:
            answer = self._objects.act(class_id, ln, method, data, self.client)
        except PeerError as error:
            return bytes((_code(error), 0))
        if answer is None:
            return b"\0\0"
        return b"\0\1\0" + answer if len(answer) + 6 <= self._limit else bytes((OTHER_REASON, 0))

    def _one(self, view):
        """Return the one value that a view is."""
        _end(view, self._extent_of(view))
        return bytes(view)

    def _give(self, head, pieces, invoke):
        """Answer with all pieces, or with the first block of them."""
        self._pieces = pieces
        used = yield from self._fill(self._limit)
        start = _HEAD - len(head)
        if self._pieces is None:
            self._buffer[start:_HEAD] = head
            return self._buffer[start:used]
        if not self._agreed & association.BLOCKS_OF_GET:
            self._abort()
            raise PeerError("no blocks", OTHER_REASON)
        return self._block(invoke, used)

    def _next(self, invoke, body):
        if len(body) != 4:
            raise FormatError("truncated")
        (number,) = unpack_from(">I", body)
        code = 0
        if self._pieces is None:
            code = _BLOCK_UNAVAILABLE
        elif number != self._number:
            code = _WRONG_BLOCK
        if not code:
            try:
                used = yield from self._fill(self._limit)
                return self._block(invoke, used)
            except PeerError as error:
                code = _code(error)
        self._abort()
        return bytes((GET + RESPONSE, requests.BLOCK)) + invoke + b"\1" + pack(">I", number) + bytes((1, code))

    def _block(self, invoke, used):
        self._number += 1
        head = bytes((GET + RESPONSE, requests.BLOCK)) + invoke
        self._buffer[:_HEAD] = head + pack(">BIBBH", self._pieces is None, self._number, 0, 0x82, used - _HEAD)
        return self._buffer[:used]

    def _fill(self, end):
        """Draw pieces into the buffer behind a block's head; return where they end. No pieces are left then: None."""
        at = _HEAD
        rest, pieces = self._rest, self._pieces
        while pieces is not None:
            count = min(len(rest), end - at)
            self._buffer[at : at + count] = rest[:count]
            at += count
            if count < len(rest):
                self._rest = rest[count:]
                return at
            rest = b""
            try:
                piece = next(pieces)
                if piece is None:
                    yield
                else:
                    rest = memoryview(piece)
            except StopIteration:
                pieces = None
        self._pieces = None
        self._rest = b""
        return at

    def _abort(self):
        self._pieces = None
        self._rest = b""
        self._number = 0


def _begun(pieces):
    """Return an iterator of pieces whose first is there, so that a refusal comes now; yield None while it is not."""
    pieces = iter(pieces)
    try:
        first = next(pieces)
        while first is None:
            yield
            first = next(pieces)
    except StopIteration:
        raise PeerError("no value", OTHER_REASON)
    return _joined(first, pieces)


def _joined(first, pieces):
    yield first
    yield from pieces


def _end(view, at):
    if at != len(view):
        raise FormatError("trailing octets")


def _code(error):
    return error.code or OTHER_REASON
