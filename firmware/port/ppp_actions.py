"""The mobile network is wanted, or not any more. In RAM only meanwhile; see firmware/port/net_ppp.py."""


def start(ppp, addresses=None, dns_servers=()):
    """Have it connected by firmware/services/modem.py. `addresses`: a mobile network gives its own, whatever is set."""
    ppp.static_servers = dns_servers if addresses else ()
    ppp.is_wanted = True


def leave(ppp):
    """Have it disconnected."""
    ppp.is_wanted = False
    ppp.forget()
