"""Ethernet is switched on and off. In RAM only meanwhile; see firmware/port/net_lan.py."""


def start(lan, addresses=None, dns_servers=()):
    """Switch it on unless it is; `addresses`: (own, mask, router, DNS) if they are static. Raises OSError."""
    if lan.lan is None:
        interface = lan.make_lan()
        interface.active(True)
        if addresses:
            try:
                interface.ifconfig(addresses)
            except ValueError:
                pass  # not addresses: DHCP keeps the gateway reachable
        lan.static_servers = dns_servers
        lan.lan = interface


def leave(lan):
    """Switch it off."""
    lan.forget()
    interface, lan.lan = lan.lan, None
    if interface:
        interface.active(False)
