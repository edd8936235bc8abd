"""The client's side of an association with a meter: what to send, what came back. No I/O, no clock.

    client = Client(1024)                  or Client(1024, link.buffer), which has the same buffer for both directions
    client.begin(access)                       or get(), get_list(), set(), set_list(), action(), release()
    while True:
        reply = what link.exchange(client.apdu) brings
        for _ in client.taking(reply):         or client.take(reply) at once, which holds the loop up to 50 ms
            await sleep(0)
        if client.is_done:
            break

One thing at a time. An error ends what was started and voids all that the sinks got of it. After a PeerError whose object or
right is missing the association goes on (`is_open` stays True); after every other error it is over: close the link.

Source: IEC 62056-5-3 (DLMS UA 1000-2), 9.3 and 9.4.
"""

from micropython import const

from lib.dlms import association, requests, results
from lib.dlms.association import (
    BLOCKS_OF_ACTION,
    BLOCKS_OF_GET,
    BLOCKS_OF_SET,
    MULTIPLE_REFERENCES,
    SELECTIVE_ACCESS,
)
from lib.dlms.ber import octets, put_length
from lib.dlms.errors import FormatError, PeerError
from lib.dlms.requests import ACTION, GET, SET
from lib.dlms.session import Session
from lib.dlms.value_stream import ListedValues, OneValue

_SLICE = const(128)  # octets for a sink at once
_MOST_VALUE = const(1 << 20)
_MOST_LISTED = const(100)
_NOT_ASKED = const(-1)
_RAW = const(8)  # octets of a block's state, number and length


class Client(Session):
    """See above. `size`: octets of the largest APDU to take. `buffer`: where those to send are made, see Session.

    apdu          memoryview of what to send now; valid until taking() goes on
    is_done       what was started is done
    is_open       associated
    conformance   bits that both sides know; what lacks one is not asked: PeerError
    peer_pdu      octets of the longest APDU the meter takes
    results       of get_list() and set_list(): a data-access-result for each item, 0 is success, -1 not asked yet
    invoke_id     of the next service, 0 to 15; counts by itself
    wanted_counter  what the meter expects, told by its last exception "invocation counter error"; None before
    most_value    octets of the longest value to take, whatever its blocks
    """

    def __init__(self, size, buffer=None):
        super().__init__(size, buffer)
        self.most_value = _MOST_VALUE
        self.results = []

    def get(self, class_id, ln, attribute, sink, selector=None):
        """Read an attribute. ln: 6 octets. selector: of requests.by_range() or by_entry().

        sink(view): is called with the A-XDR octets of the value in pieces of up to 128 octets that end anywhere; a view is void
        when the sink returns. Done means that it got exactly one whole value. Blocks are asked for by themselves. What the sink
        raises comes out of taking(). PeerError: data-access-result in .code.
        """
        self._check_open()
        self._start(self._get(requests.target(class_id, ln, attribute), selector, sink))

    def get_list(self, items, sinks):
        """Read some attributes. items: list of (class_id, ln, attribute), or of tuples with more behind. sinks: one for each.

        As many at once as requests and rights allow; one by one without multiple references. `results` tells of each item
        whether its sink got a value: 0, or the data-access-result instead.
        """
        self.results = [_NOT_ASKED] * len(items)
        self._start(self._get_list(items, sinks))

    def set(self, class_id, ln, attribute, data):
        """Write an attribute. data: its A-XDR octets (kept until it is done), in blocks if the meter takes less.

        PeerError: data-access-result in .code.
        """
        self._check_open()
        self._start(self._set(requests.target(class_id, ln, attribute), data))

    def set_list(self, items, data):
        """Write some attributes: items as of get_list(), data: list of A-XDR octets. `results` tells of each."""
        self.results = [_NOT_ASKED] * len(items)
        self._start(self._set_list(items, data))

    def action(self, class_id, ln, method, data=None, sink=None):
        """Invoke a method. data: A-XDR octets of its parameter, or None. sink: gets what it returns, if it returns something.

        PeerError: action result in .code.
        """
        self._check_open()
        self._start(self._act(requests.target(class_id, ln, method), data, sink))

    def _check_open(self):
        if not self.is_open:
            raise PeerError("not associated")

    def _get(self, target, selector, sink):
        self._need(association.GET, "GET")
        if selector:
            self._need(SELECTIVE_ACCESS, "selective access")
        reply = yield from self._ask(self._head(GET, requests.NORMAL) + requests.selected(target, selector), b"")
        values = OneValue(sink)
        if reply[1] != requests.NORMAL:
            return (yield from self._blocks(reply, values))
        if reply[3]:
            return self._result(reply, 4)
        yield from self._feed(values, reply[4:])
        return self._whole(values)

    def _whole(self, values):
        if not values.is_whole:
            raise FormatError("truncated")
        return 0

    def _feed(self, values, view):
        for at in range(0, len(view), _SLICE):
            values.feed(view[at : at + _SLICE])
            yield

    def _result(self, reply, at):
        """The result, not 0, with which a response ends."""
        if len(reply) != at + 1 or not reply[at]:
            raise FormatError("result")
        return reply[at]

    def _blocks(self, reply, values):
        """Take a value of GET in blocks, of which `reply` is the first; return 0, or the data-access-result."""
        self._need(BLOCKS_OF_GET, "blocks of GET")
        number = total = 0
        while True:
            if reply[1] == requests.NORMAL and reply[3] == 1:
                return self._result(reply, 4)  # so some meters give up
            if reply[1] != requests.BLOCK or len(reply) < 10:
                raise FormatError("no block")
            if reply[8]:
                return self._result(reply, 9)
            number += 1
            total = yield from self._block(reply, 9, number, total, values)
            if reply[3]:
                return self._whole(values)
            head = bytes((GET, requests.NEXT)) + reply[2:3]
            reply = yield from self._ask(head, number.to_bytes(4, "big"))

    def _block(self, reply, at, number, total, values):
        """Take the raw data at `at`; return how many octets there were so far."""
        raw, end = octets(reply, at)
        if end != len(reply):
            raise FormatError("trailing octets")
        if int.from_bytes(reply[4:8], "big") != number:
            raise FormatError("block number")
        total += len(raw)
        if total > self.most_value or not (len(raw) or reply[3]):
            raise FormatError("endless")
        yield from self._feed(values, raw)
        return total

    def _several(self, left, size):
        """How many of `left` items of `size` octets go into one request."""
        if not self.conformance & MULTIPLE_REFERENCES:
            return 1
        return max(1, min(left, _MOST_LISTED, (self._limit - 5) // size))

    def _get_list(self, items, sinks):
        self._check_open()
        at = 0
        while at < len(items):
            count = self._several(len(items) - at, 10)
            if count == 1:
                self.results[at] = yield from self._get(requests.target(*items[at][:3]), None, sinks[at])
            else:
                targets = bytearray()
                for place in range(at, at + count):
                    targets.extend(requests.selected(requests.target(*items[place][:3]), None))
                values = ListedValues(sinks, self.results, at, count)
                reply = yield from self._ask(self._head(GET, requests.GET_LIST) + bytes((count,)), targets)
                if reply[1] == requests.GET_LIST:
                    yield from self._feed(values, reply[3:])
                    self._whole(values)
                else:
                    code = yield from self._blocks(reply, values)
                    if code:
                        raise PeerError(results.access(code), code)
            at += count

    def _set(self, target, data):
        self._need(association.SET, "SET")
        place = target + b"\0"
        if 3 + len(place) + len(data) <= self._limit:
            reply = yield from self._ask(self._head(SET, requests.NORMAL) + place, data)
            if reply[1] != requests.NORMAL or len(reply) != 4:
                raise FormatError("no result")
            return reply[3]
        self._need(BLOCKS_OF_SET, "blocks of SET")
        head = self._head(SET, requests.SET_FIRST)
        at = number = 0
        while True:
            number += 1
            last, at, reply = yield from self._send_block(head + place, data, at, number)
            kind = reply[1]
            if kind == requests.NORMAL and len(reply) == 4 and reply[3]:
                return reply[3]
            if kind == requests.SET_LAST and len(reply) == 8 and (last or reply[3]):
                return reply[3]
            if kind != requests.SET_TAKEN or last or bytes(reply[3:]) != number.to_bytes(4, "big"):
                raise FormatError("block number")
            head = bytes((SET, requests.SET_NEXT)) + head[2:]
            place = b""

    def _send_block(self, head, data, at, number):
        """Send a block from data[at:] on; (whether it was the last, where the next begins, the response)."""
        end = min(len(data), at + self._limit - len(head) - _RAW)
        if end <= at:
            raise PeerError("longer than the meter takes")
        last = end == len(data)
        head += requests.block(last, number) + put_length(end - at)
        reply = yield from self._ask(head, memoryview(data)[at:end])
        return last, end, reply

    def _set_list(self, items, data):
        self._check_open()
        at = 0
        while at < len(items):
            count = self._several(len(items) - at, 10)
            targets = b"".join([requests.target(*item) + b"\0" for item in items[at : at + count]])
            while count > 1 and 5 + 10 * count + sum([len(one) for one in data[at : at + count]]) > self._limit:
                count -= 1
            if count == 1:
                self.results[at] = yield from self._set(targets[:9], data[at])
            else:
                size = bytes((count,))
                head = self._head(SET, requests.SET_LIST) + size + targets[: 10 * count] + size
                reply = yield from self._ask(head, b"".join(data[at : at + count]))
                if reply[1] != requests.SET_LISTED or reply[3] != count or len(reply) != 4 + count:
                    raise FormatError("no results")
                self.results[at : at + count] = list(reply[4:])
            at += count

    def _act(self, target, data, sink):
        """Invoke a method; return the action result."""
        self._need(association.ACTION, "ACTION")
        if data is None or 4 + len(target) + len(data) <= self._limit:
            head = self._head(ACTION, requests.NORMAL) + target + (b"\0" if data is None else b"\x01")
            reply = yield from self._ask(head, data or b"")
        else:
            reply = yield from self._act_in_blocks(target, data)
        values = OneValue(sink)
        if reply[1] == requests.BLOCK:
            return (yield from self._action_blocks(reply, values))
        if reply[1] != requests.NORMAL:
            raise FormatError("no result")
        code = reply[3]
        if not code and len(reply) > 4 and reply[4]:
            if len(reply) > 6 and reply[5]:
                return self._result(reply, 6)
            yield from self._feed(values, reply[6:])
            self._whole(values)
        elif len(reply) > 5 and not code:
            raise FormatError("trailing octets")
        return code

    def _act_in_blocks(self, target, data):
        self._need(BLOCKS_OF_ACTION, "blocks of ACTION")
        head = self._head(ACTION, requests.ACTION_FIRST)
        at = number = 0
        last = False
        while True:
            number += 1
            last, at, reply = yield from self._send_block(head + target, data, at, number)
            if last or reply[1] == requests.NORMAL:
                if reply[1] == requests.NORMAL and not last and not reply[3]:
                    raise FormatError("block number")
                return reply
            if reply[1] != requests.ACTION_TAKEN or bytes(reply[3:]) != number.to_bytes(4, "big"):
                raise FormatError("block number")
            head = bytes((ACTION, requests.ACTION_NEXT)) + head[2:]
            target = b""

    def _action_blocks(self, reply, values):
        number = total = 0
        while True:
            if reply[1] == requests.NORMAL and reply[3]:
                return reply[3]
            if reply[1] != requests.BLOCK or len(reply) < 9:
                raise FormatError("no block")
            number += 1
            total = yield from self._block(reply, 8, number, total, values)
            if reply[3]:
                return self._whole(values)
            reply = yield from self._ask(bytes((ACTION, requests.NEXT)) + reply[2:3], number.to_bytes(4, "big"))
