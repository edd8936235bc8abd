"""A certificate or private key out of its text form: -----BEGIN CERTIFICATE-----, base64, -----END CERTIFICATE-----.

Text around it is allowed, and blanks or line ends of any kind in the base64 text or none at all.
Source: RFC 7468, 2 (general), 5 (certificates), 10 and 13 (keys); RFC 1421, 4.6.1.1 (encrypted keys of the old form).
"""

from binascii import a2b_base64, b2a_base64

from micropython import const

CERTIFICATE = const(1)
KEY = const(2)

_PIECE = const(256)  # characters decoded at a time
_LONGEST_LABEL = const(40)
_KEYS = const(("PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"))


def decode(text, most=4096):
    """Return (CERTIFICATE or KEY, its DER as a view of at most `most` bytes) for the one block in `text` (str).

    Raises ValueError with a sentence for the person who sent it. The DER itself is not looked at.
    """
    label, start, end, behind = _block(text, 0)
    if label == "EC PARAMETERS":  # stands before the key in what OpenSSL writes; the key names its curve itself
        label, start, end, behind = _block(text, behind)
    if label == "ENCRYPTED PRIVATE KEY" or label in _KEYS and text.find("ENCRYPTED", start, end) >= 0:
        raise ValueError("the private key is encrypted: remove its passphrase first")
    if label != "CERTIFICATE" and label not in _KEYS:
        raise ValueError(f"{label} is neither a certificate nor a private key")
    if text.find("-----BEGIN ", behind) >= 0:
        raise ValueError("more than one certificate or key: add them one by one")
    return CERTIFICATE if label == "CERTIFICATE" else KEY, _decode(text, start, end, most)


def _block(text, at):
    """Return (label, start and end of what stands between the two lines, position behind the block)."""
    at = text.find("-----BEGIN ", at)
    if at < 0:
        raise ValueError("there is no -----BEGIN CERTIFICATE----- or -----BEGIN PRIVATE KEY----- line")
    start = text.find("-----", at + 11, at + 16 + _LONGEST_LABEL)
    if start < 0:
        raise ValueError("the line with -----BEGIN is damaged")
    label = text[at + 11 : start]
    last = "-----END " + label + "-----"
    end = text.find(last, start)
    if end < 0:
        raise ValueError(f"there is no {last} line: the text is cut short")
    return label, start + 5, end, end + len(last)


def _decode(text, at, end, most):
    """Return the bytes that the base64 text from `at` to `end` stands for, as a view."""
    der = memoryview(bytearray(min((end - at) * 3 // 4, most)))
    used = 0
    rest = ""  # characters of a group of four that is not whole yet
    padded = False
    while at < end:
        rest += "".join(text[at : min(at + _PIECE, end)].split())
        at += _PIECE
        groups = rest if at >= end else rest[: len(rest) & ~3]
        rest = rest[len(groups) :]
        try:
            data = a2b_base64(groups)
        except ValueError:
            data = b""
        # a2b_base64() skips what is no base64, and padding at places where none belongs.
        if b2a_base64(data, newline=False) != groups.encode() or groups and padded:
            raise ValueError("the base64 text is damaged")
        padded = padded or groups.endswith("=")
        if used + len(data) > len(der):
            raise ValueError(f"more than {most} bytes")
        der[used : used + len(data)] = data
        used += len(data)
    return der[:used]
