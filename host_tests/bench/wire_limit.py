"""The least time that Modbus transactions take on a wire, however fast the master is.

One transaction is the request's and the reply's characters, two silences of 3.5 characters (the one that ends the request, and
the one before the next request) and the meter's own delay:

    (request + reply characters) * character time + 2 * t3.5 + delay

Source: Modbus over Serial Line V1.02, 2.5.1.1: t3.5 is 1.75 ms above 19200 baud.
"""

from tools.rig.line import DELAY_S
from tools.rig.wire import Serial


def limit_s(baud, characters, transactions):
    """Seconds that so many transactions with so many characters in all take at least, 8N1, with the simulated meters' delay."""
    line = Serial(baud)
    return characters * line.character_s + transactions * (2 * line.silence_s + DELAY_S)
