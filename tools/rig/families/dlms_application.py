"""The application layer of a simulated DLMS meter: one APDU in, one out, for one client (the sheet, sections 6 to 9)."""

import secrets

from tools.rig.families import dlms_association as association
from tools.rig.families import dlms_security as security
from tools.rig.families.dlms_data import Malformed, decode, length, octets, take, take_length
from tools.rig.families.dlms_objects import Refusal

GET, SET, ACTION = 0xC0, 0xC1, 0xC3
NORMAL, NEXT, LIST = 1, 2, 3
_FIRST, _SET_NEXT, _SET_LIST = 2, 3, 4
TEMPORARY, DENIED, UNDEFINED, BLOCK_WRONG, NO_LONG_GET = 2, 3, 4, 19, 16
_SELECTIVE, _MULTIPLE, _BLOCKS_GET, _BLOCKS_SET = 0x000004, 0x000200, 0x001000, 0x000800
_NOT_ALLOWED, _UNKNOWN = 1, 2
_NOT_SUPPORTED, _DECIPHERING, _COUNTER = 2, 5, 6
_CURRENT = bytes((0, 0, 40, 0, 0, 255))
_CIPHER_SIZE = 45  # what ciphering adds to an APDU at most


def exception(state, service, more=b""):
    return bytes((0xD8, state, service)) + more


class Application:
    """What a client and a meter have agreed on. `meter` is a DlmsMeter."""

    def __init__(self, meter, client):
        self._meter, self.client = meter, client
        self._begin()

    def _begin(self):
        self.is_open = self.is_pending = self.is_ciphered = False
        self.mechanism = 0
        self.conformance = 0
        self.title = b""
        self._most_pdu = 0xFFFF
        self._dedicated, self._dedicated_counter = None, 0
        self._sent = self._received = b""  # challenges
        self._rest, self._block = b"", 0  # of a long get
        self._written, self._target = b"", None  # of a long set

    def answer(self, apdu):
        """The answer's octets; b"" for none."""
        self._meter.apdus += 1
        try:
            tag = apdu[0] if apdu else 0
            if tag == 0x60:
                return self._aarq(apdu)
            if tag == 0x62:
                self.is_open = False
                return bytes.fromhex("6303800100")
            if not self.is_open:
                return exception(_NOT_ALLOWED, 2)
            if tag in security.PLAIN:
                return self._ciphered(apdu)
            if self.is_ciphered:
                return exception(_NOT_ALLOWED, 2)
            return self._service(apdu)
        except security.Deciphering:
            self._meter.wrong_tags += 1
            return exception(_NOT_ALLOWED, _DECIPHERING)
        except security.Replayed:
            self._meter.replays += 1
            return exception(_NOT_ALLOWED, _COUNTER, (self._meter.client_counter + 1).to_bytes(4, "big"))
        except Malformed:
            return exception(_UNKNOWN, 3)

    # The association.

    def _aarq(self, apdu):
        meter = self._meter
        self._begin()
        asked = association.parse_aarq(apdu)
        self.title, self.mechanism = asked.title, asked.mechanism
        self.is_ciphered = asked.context == association.CIPHERED
        wanted = meter.mechanism(self.client)
        plain = asked.information
        if self.is_ciphered and plain[:1] == b"\x21":
            ciphered, _ = security.take_ciphered(plain, 1)
            plain = self._unseal(meter.keys, ciphered)
        initiate = association.parse_initiate(plain)
        if len(initiate.dedicated_key) not in (0, security.KEY):
            raise Malformed("dedicated key")
        self._dedicated = security.Keys(initiate.dedicated_key, meter.keys.authentication) if initiate.dedicated_key else None
        self._most_pdu = min(initiate.most_pdu or 0xFFFF, meter.most_pdu)
        self.conformance = initiate.conformance & meter.conformance
        diagnostic = self._refused(asked, wanted)
        if diagnostic:
            meter.refused += 1
            return association.aare(asked.context, association.PERMANENT, diagnostic, b"")
        if initiate.version < association.VERSION or not self.conformance:
            error = bytes((0x0E, 0x01, 0x06, 1 if initiate.version < association.VERSION else 2))
            return association.aare(asked.context, association.PERMANENT, association.NO_REASON, error)
        self.is_open, self.is_pending = True, self.mechanism > 1
        meter.associations += not self.is_pending
        information = association.initiate_response(self.conformance, meter.most_pdu)
        if self.is_ciphered:
            information = b"\x28" + self._seal(meter.keys, information)
        has_title = self.is_ciphered or self.mechanism > 4
        if self.is_pending:
            self._received, self._sent = asked.secret, meter.challenge or secrets.token_bytes(16)
        return association.aare(
            asked.context,
            association.ACCEPTED,
            association.REQUIRED if self.is_pending else 0,
            information,
            meter.title if has_title else b"",
            self.mechanism,
            self._sent,
        )

    def _refused(self, asked, wanted):
        """The diagnostic, 0 if the client may come in."""
        meter = self._meter
        if asked.context not in (1, 3) or (meter.is_ciphered and wanted and not self.is_ciphered):
            return association.NO_CONTEXT
        if wanted is None:
            return association.NO_REASON
        if self.mechanism != wanted:
            return association.NO_MECHANISM if self.mechanism else association.MECHANISM_REQUIRED
        if wanted == 1 and asked.secret != meter.password:
            meter.wrong_passwords += 1
            return association.FAILED
        return 0

    def _reply_to_hls(self, value):
        """What proves that the meter, too, knows the secret; None if the client does not."""
        meter = self._meter
        if self.mechanism == 5:
            counter = int.from_bytes(value[1:5], "big")
            expected = security.gmac(meter.keys, self.title, counter, self._sent)
            if value == expected and not self.is_ciphered:  # a ciphered one came in an APDU that has counted already
                self._count(counter)
            own = security.gmac(meter.keys, meter.title, meter.next_counter(), self._received)
        else:
            expected = security.hls(self.mechanism, meter.password, self.title, meter.title, self._sent, self._received)
            own = security.hls(self.mechanism, meter.password, meter.title, self.title, self._received, self._sent)
        if value != expected:
            meter.wrong_passwords += 1
            self.is_open = False
            return None
        self.is_pending = False
        meter.associations += 1
        return own

    # Ciphering.

    def _count(self, counter):
        """Take the client's counter, which only rises; under the dedicated key one of its own counts."""
        if counter <= self._meter.client_counter:
            raise security.Replayed
        self._meter.client_counter = counter

    def _unseal(self, keys, ciphered):
        plain = security.unseal(keys, self.title, ciphered)
        if keys is self._dedicated:
            if ciphered.counter <= self._dedicated_counter:
                raise security.Replayed
            self._dedicated_counter = ciphered.counter
        else:
            self._count(ciphered.counter)
        return plain

    def _seal(self, keys, plain):
        meter = self._meter
        sealed = security.seal(keys, meter.title, security.AUTHENTICATED | security.ENCRYPTED, meter.next_counter(), plain)
        return sealed[:-1] + bytes((sealed[-1] ^ (meter.fault == "wrong_tag"),))

    def _ciphered(self, apdu):
        tag, at = apdu[0], 1
        keys = self._dedicated if tag in security.DEDICATED else self._meter.keys
        if not keys or not self.is_ciphered:
            return exception(_NOT_ALLOWED, 2)
        if tag in security.GENERAL:
            size, at = take_length(apdu, at)
            at += len(take(apdu, at, size))
        ciphered, _ = security.take_ciphered(apdu, at)
        plain = self._unseal(keys, ciphered)
        answer = self._service(plain)
        if tag in security.GENERAL:
            title = self._meter.title
            return bytes((tag, len(title))) + title + self._seal(keys, answer)
        if plain[:1] != bytes((security.PLAIN[tag],)):
            raise Malformed("another service within")
        return bytes((tag + 4,)) + self._seal(keys, answer)

    # Services.

    def _service(self, apdu):
        service, kind, invoke = take(apdu, 0, 3)
        is_proof = service == ACTION and kind == NORMAL and apdu[3:12] == b"\0\x0f" + _CURRENT + b"\x01"
        if self.is_pending and not is_proof:
            return exception(_NOT_ALLOWED, 2)
        if service not in (GET, SET, ACTION):
            return exception(_UNKNOWN, _NOT_SUPPORTED)
        head = bytes((service + 4, kind, invoke))
        if service == GET and kind in (NORMAL, NEXT, LIST):
            return (self._get, self._get_next, self._get_list)[kind - 1](head, apdu)
        if service == SET and kind in (NORMAL, _FIRST, _SET_NEXT, _SET_LIST):
            return (self._set, self._set_first, self._set_next, self._set_list)[kind - 1](head, apdu)
        if service == ACTION and kind == NORMAL:
            return self._action(head, apdu)
        return exception(_UNKNOWN, _NOT_SUPPORTED)

    def _descriptor(self, apdu, at):
        """((class, name, attribute), selector or None, where they end); a selector is (number, parameters)."""
        part = take(apdu, at, 10)
        at += 10
        selector = None
        if part[9]:
            number = take(apdu, at, 1)[0]
            parameters, at = decode(apdu, at + 1)
            selector = number, parameters
        return (int.from_bytes(part[:2], "big"), part[2:8], part[8]), selector, at

    def _read(self, target, selector):
        """(result, octets)."""
        if self._meter.fault == "busy":
            return TEMPORARY, b""
        if not self.conformance & _SELECTIVE:
            selector = None
        try:
            return 0, self._meter.objects.get(target, selector, self)
        except Refusal as refusal:
            return refusal.result, b""

    def _write(self, target, data):
        if self._meter.fault == "busy":
            return TEMPORARY
        try:
            self._meter.objects.set(target, decode(data)[0], self)
        except Refusal as refusal:
            return refusal.result
        return 0

    def _limit(self):
        return self._most_pdu - (_CIPHER_SIZE if self.is_ciphered else 0)

    def _get(self, head, apdu):
        target, selector, _ = self._descriptor(apdu, 3)
        self._meter.gets += 1
        result, data = self._read(target, selector)
        if result:
            return head + bytes((1, result))
        return self._whole_or_blocks(head, b"\0", data)

    def _get_list(self, head, apdu):
        count, at = take_length(apdu, 3)
        if not self.conformance & _MULTIPLE:
            return exception(_UNKNOWN, _NOT_SUPPORTED)
        results = []
        for _ in range(count):
            target, selector, at = self._descriptor(apdu, at)
            self._meter.gets += 1
            result, data = self._read(target, selector)
            results.append(bytes((1, result)) if result else b"\0" + data)
        return self._whole_or_blocks(head, b"", length(count) + b"".join(results))

    def _whole_or_blocks(self, head, choice, data):
        whole = head + choice + data
        self._rest, self._block = b"", 0
        if len(whole) <= self._limit() or not self.conformance & _BLOCKS_GET:
            return whole
        self._rest = data
        return self._next_block(head)

    def _get_next(self, head, apdu):
        number = int.from_bytes(take(apdu, 3, 4), "big")
        if not self._rest or number != self._block:
            result = BLOCK_WRONG if self._rest else NO_LONG_GET
            return head + b"\x01" + number.to_bytes(4, "big") + bytes((1, result))
        return self._next_block(head)

    def _next_block(self, head):
        self._block += 1
        size = self._limit() - 12
        part, self._rest = self._rest[:size], self._rest[size:]
        number = self._block + (self._meter.fault == "wrong_block")
        last = bytes((not self._rest,))
        return head[:1] + bytes((NEXT,)) + head[2:] + last + number.to_bytes(4, "big") + b"\0" + length(len(part)) + part

    def _set(self, head, apdu):
        target, _, at = self._descriptor(apdu, 3)
        return head + bytes((self._write(target, apdu[at:]),))

    def _set_list(self, head, apdu):
        count, at = take_length(apdu, 3)
        targets = []
        for _ in range(count):
            target, _, at = self._descriptor(apdu, at)
            targets.append(target)
        _, at = take_length(apdu, at)
        results = b""
        for target in targets:
            end = decode(apdu, at)[1]
            results += bytes((self._write(target, apdu[at:end]),))
            at = end
        return head[:1] + b"\x05" + head[2:] + length(count) + results

    def _set_first(self, head, apdu):
        self._target, _, at = self._descriptor(apdu, 3)
        self._written, self._block = b"", 0
        return self._set_block(head, apdu, at)

    def _set_next(self, head, apdu):
        return self._set_block(head, apdu, 3)

    def _set_block(self, head, apdu, at):
        is_last, number = take(apdu, at, 1)[0], take(apdu, at + 1, 4)
        size, at = take_length(apdu, at + 5)
        self._block += 1
        if self._target is None or int.from_bytes(number, "big") != self._block:
            return head[:1] + b"\x03" + head[2:] + bytes((BLOCK_WRONG,)) + number
        self._written += take(apdu, at, size)
        if not is_last:
            return head[:1] + b"\x02" + head[2:] + number
        target, self._target = self._target, None
        return head[:1] + b"\x03" + head[2:] + bytes((self._write(target, self._written),)) + number

    def _action(self, head, apdu):
        class_id, name, method = int.from_bytes(take(apdu, 3, 2), "big"), take(apdu, 5, 6), take(apdu, 11, 1)[0]
        value = decode(apdu, 13)[0] if take(apdu, 12, 1)[0] else None
        if (class_id, name, method) == (15, _CURRENT, 1):
            proof = self._reply_to_hls(value) if self.is_pending and isinstance(value, bytes) else None
            return head + (b"\0\x01\0" + octets(proof) if proof else bytes((DENIED, 0)))
        if self._meter.fault == "busy":
            return head + bytes((TEMPORARY, 0))
        try:
            self._meter.objects.act((class_id, name, method), value, self)
        except Refusal as refusal:
            return head + bytes((refusal.result, 0))
        return head + b"\0\0"
