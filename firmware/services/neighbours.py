"""Who is in the same network: what listens to everybody answers only them."""

from firmware.state.schema import ip_number
from lib.aio.listener import peer


def is_near(network, address):
    """Return whether a datagram's sender, as recvfrom() gave it, is a machine of the own subnet.

    The own address is one; the subnet's broadcast address, which only a forger sends from, is none. Without an address or
    a mask of our own nobody is near. `network`: firmware/port/host.py.
    """
    sender, own, mask = ip_number(peer(address)), ip_number(network.address), ip_number(network.netmask)
    if not sender or not own or not mask:
        return False
    return (sender ^ own) & mask == 0 and sender | mask != 0xFFFFFFFF
