"""The certificates and keys of host_tests/vectors/x509.json, and damage done to them."""

import json

from lib.x509 import pem


def load():
    """{"certificates": rows, "keys": rows, "encrypted": rows}; see host_tests/vectors/make_x509.py."""
    with open("host_tests/vectors/x509.json") as file:
        return json.load(file)


def der_of(row):
    return bytes(pem.decode(row["pem"])[1])


def cut(der):
    """Every shorter beginning, the empty one included."""
    view = memoryview(der)
    for size in range(len(der)):
        yield view[:size]


def flipped(der, every=1):
    """With one byte changed: one of its bits, all bits, or to 0, in turn. The first 300 and every `every`-th of the others."""
    for at in range(len(der)):
        if at < 300 or at % every == 0:
            damaged = bytearray(der)
            damaged[at] = (der[at] ^ 1 << (at & 7), der[at] ^ 0xFF, 0, der[at] ^ 0x80, der[at] ^ 1)[at % 5]
            yield damaged


def refusal(read, *what):
    """The sentence with which read(*what) refuses; "" if it does not. Anything but ValueError is an error of the test."""
    try:
        read(*what)
    except ValueError as error:
        return str(error)
    return ""
