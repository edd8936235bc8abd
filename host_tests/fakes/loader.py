"""Loads modules as the gateway's router does, and keeps them."""

import sys


def load(name):
    __import__(name)
    return sys.modules[name]
