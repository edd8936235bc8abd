"""The numbers of host_tests/vectors/crypto.json, and what the tests of generators need."""

import json


def load(name):
    with open("host_tests/vectors/crypto.json") as file:
        return json.load(file)[name]


def raw(row):
    """A row with its hexadecimal texts as bytes."""
    return {name: bytes.fromhex(text) if is_hex(text) else text for name, text in row.items()}


def is_hex(text):
    return isinstance(text, str) and not len(text) % 2 and all([letter in "0123456789abcdef" for letter in text])


def drive(generator):
    """Run a generator to its end; return what it returns. It yields nothing but None."""
    return counted(generator)[0]


def counted(generator):
    """(what it returns, how many slices it took)"""
    slices = 1
    while True:
        try:
            assert next(generator) is None
        except StopIteration as end:
            return end.value, slices
        slices += 1


def refused(function, *arguments):
    """Whether a call raises ValueError, also when it is a generator that does."""
    try:
        made = function(*arguments)
        if hasattr(made, "send"):
            drive(made)
    except ValueError:
        return True
    return False


def numbers(count, below, seed=1):
    """Numbers that look random, each below `below`, the same in each run."""
    state = seed
    for _ in range(count):
        value = 0
        while value < below:
            state = (state * 6364136223846793005 + 1442695040888963407) & (1 << 64) - 1
            value = value << 32 | state >> 32
        yield value % below
