"""Events out of what meters write of them: Turkish pairs of times, dates of single events, log books of VDEW meters.

An event is told at its edges, begin and end apart, under the code without its index: what a meter still calls the running
one today and `*3` tomorrow is the same. No I/O, nothing kept.
Source: TEDAS-MLZ/2017-062 (<3>), MASS v11 (<2>), read-outs of older meters; VDEW 2.0 (status word); DSMR 5 (99.97.0).
"""

from micropython import const

from lib.iec62056.times import date_time, span
from lib.iec62056.values import split_tag

# Code, kind, words. Kinds: s begin and end, d date, q size, depth and date, l a list of ends. A digit behind the kind is
# the only generation that has it so.
_CODES = const(
    b"|96.7.10 s outage|96.7.11 s outage L1|96.7.12 s outage L2|96.7.13 s outage L3"
    b"|96.77.0 s outage|96.77.1 s outage L1|96.77.2 s outage L2|96.77.3 s outage L3"
    b"|96.77.20 s3 voltage warning|96.77.30 s3 current warning"
    b"|96.77.00 s short outage|96.77.10 s short outage L1|96.77.20 s2 short outage L2|96.77.30 s2 short outage L3"
    b"|96.77.4 s voltage warning|96.77.5 s current warning|96.77.6 s warning"
    b"|96.20.1 s top cover open|96.20.6 s terminal cover open|96.70 d body cover opened|96.71 d terminal cover opened"
    b"|96.20.16 s magnet|96.80 s magnet|96.20.26 s voltage on neutral|96.11.1 d reset|0.1.2 d demand reset"
    b"|32.34.0 q sag L1|52.34.0 q sag L2|72.34.0 q sag L3|32.38.0 q swell L1|52.38.0 q swell L2|72.38.0 q swell L3"
    b"|96.2.2 d tariffs changed|99.97.0 l long outage|"
)
_NEVER = const(b"00-00-00")
# Of a status word, bit 0 first
_BITS = const(
    "fatal error,reserve exhausted,value disturbed,summer time,demand reset,clock set,power back,power failure,"
    "parameters set,error begins,error ends,,phase event,log cleared,profile cleared,status changed"
)


def entries(address, index, text, generation=""):
    """Yield (time, code, words) of each edge that a value tells: time as in times.py, the others str; none if it is no event.

    address: as of a MessageReader; index: number of the group in its line; text: the whole group, a view; generation: "2" or
    "3" of Turkish meters, else "". What was never, and an end that has not come, make none.
    FormatError("date"): a time that does not exist.
    """
    code = split_tag(address[address.find(b":") + 1 :])[0]
    found = _row(code, generation)
    if not found or bytes(text[:8]) == _NEVER:
        return
    kind, words = found
    code = code.decode()
    if kind == "l":
        if index >= 2 and not index & 1:
            yield date_time(text), code, words + " ends"
    elif index:
        return
    elif kind == "s":
        if len(text) > 16:  # else it is their number
            begin, end = span(text)
            if begin:
                yield begin, code, words + " begins"
            if end:
                yield end, code, words + " ends"
    else:
        text = bytes(text)
        if kind == "q":
            size, _, rest = text.partition(b",")
            depth, _, text = rest.partition(b",")
            words += " " + size.decode() + " " + depth.decode()
        if len(text) > 8:
            time = date_time(text)
            if time:
                yield time, code, words


def _row(code, generation):
    """Return (kind, words) of a code, None if it is no event."""
    at = _CODES.find(b"|" + code + b" ")
    while at >= 0 and code:
        at += len(code) + 2
        kind, _, words = _CODES[at : _CODES.find(b"|", at)].decode().partition(" ")
        if kind[1:] in ("", generation):
            return kind[0], words
        at = _CODES.find(b"|" + code + b" ", at)
    return None


def words_of(record):
    """Return what a record of a log book (LoadProfile) tells: the bits of its status, and what was captured with it."""
    status = record.status or 0
    told = [word for bit, word in enumerate(_BITS.split(",")) if status >> bit & 1 and word]
    for at in range(record.count):
        told.append((record.codes[at] + b" " + record.values[at]).decode())
    return ", ".join(told) or "%x" % status
