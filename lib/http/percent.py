"""Percent-encoded text: decoding it, looking up one value of a query or form, and putting a path in order.

All functions raise HttpError(400) for a '%' without two hexadecimal digits, for bytes that are no UTF-8 in its
shortest form, and for an encoded NUL.
"""

from lib.http.errors import HttpError
from lib.http.kernels import is_utf8, same


def _nibble(byte):
    """Return the value of one hexadecimal digit."""
    if 48 <= byte <= 57:
        return byte - 48
    byte |= 32
    if 97 <= byte <= 102:
        return byte - 87
    raise HttpError(400, "a percent sign is not followed by two hexadecimal digits")


def decode(buffer, start, end, plus):
    """Return the text of buffer[start:end] (a bytearray) decoded once; plus: a '+' is a blank (queries and forms)."""
    if buffer.find(b"%", start, end) >= 0 or (plus and buffer.find(b"+", start, end) >= 0):
        out = bytearray(end - start)
        used = 0
        while start < end:
            byte = buffer[start]
            start += 1
            if byte == 0x25:
                if start + 2 > end:
                    raise HttpError(400, "a percent sign is not followed by two hexadecimal digits")
                byte = _nibble(buffer[start]) << 4 | _nibble(buffer[start + 1])
                start += 2
            elif plus and byte == 0x2B:
                byte = 0x20
            out[used] = byte
            used += 1
        buffer, start, end = out, 0, used
    if buffer.find(b"\0", start, end) >= 0:
        raise HttpError(400, "text with a NUL in it")
    if not is_utf8(buffer, start, end):
        raise HttpError(400, "text that is not UTF-8")
    return str(memoryview(buffer)[start:end], "utf-8")


def lookup(buffer, start, end, name):
    """Return the decoded value of the first `name` (ASCII) in `a=1&b=2` text, "" without '=', None if it is not there."""
    while start < end:
        stop = buffer.find(b"&", start, end)
        if stop < 0:
            stop = end
        equals = buffer.find(b"=", start, stop)
        if equals < 0:
            equals = stop
        if equals - start == len(name):
            found = same(buffer, start, name, len(name), 0)
        else:
            found = equals - start > len(name) and decode(buffer, start, equals, True) == name
        if found:
            return decode(buffer, equals + 1, stop, True) if equals < stop else ""
        start = stop + 1
    return None


def normalise(path):
    """Return a decoded path that starts with "/" and has no empty, "." or ".." segment: it cannot leave its root.

    Raises HttpError(400) for control characters, a backslash (a separator elsewhere), and for ".." beyond the root.
    A slash at the end stays.
    """
    for character in path:
        if character < " " or character in "\\\x7f":
            raise HttpError(400, "a path with a control character or backslash")
    if "//" not in path and "/." not in path:
        return path
    segments = []
    last = ""
    for last in path[1:].split("/"):
        if last == "..":
            if not segments:
                raise HttpError(400, "a path that leads out of the server")
            segments.pop()
        elif last and last != ".":
            segments.append(last)
    if segments and last in ("", ".", ".."):
        segments.append("")
    return "/" + "/".join(segments)
