"""Sizes and quantities that the standard allows.

Sources: Modbus over Serial Line V1.02, 2.5.1 (ADU); Application Protocol V1.1b3, 4.1 (PDU) and 6.1 to 6.17 (quantities).
"""

from micropython import const

MAX_ADU = const(256)  # unit id, PDU and CRC, bytes
MAX_PDU = const(253)  # function code and data, bytes
MAX_WRITE_WITH_READ = const(121)  # registers written by function 23


def most(function):
    """Return how many coils or registers one request may ask for (function 23: may read); 0 for other functions."""
    if function in b"\x01\x02":
        return 2000
    if function in b"\x03\x04\x17":
        return 125
    if function in b"\x05\x06":
        return 1
    if function == 15:
        return 1968
    return 123 if function == 16 else 0


def is_harmless(function):
    """Whether a function changes nothing in a unit.

    Function 8 has sub-functions that silence or restart a unit, so it is not, nor is any that the standard does not know.
    Source: Application Protocol V1.1b3, 5.1 (functions), 6.8 (diagnostics).
    """
    # Of registers, coils, status, counters, identity, files and queues: 1 to 4, 7, 11, 12, 17, 20, 24, 43.
    return function in b"\x01\x02\x03\x04\x07\x0b\x0c\x11\x14\x18\x2b"
