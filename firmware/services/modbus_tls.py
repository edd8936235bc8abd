"""What Modbus TCP needs for TLS: certificates of the store, mutual authentication.

Source: MODBUS/TCP Security Protocol Specification, v36: TLS 1.2 or later, both sides show a certificate, port 802. Roles in
certificates (its clause 8.4) are not looked at: who holds a certificate of the clients' authority may do what plain Modbus
TCP may.
"""

import tls

from firmware.state.certificates import Certificates


def wrapper(gateway):
    """Return wrap(sock) -> a TLS socket whose handshake goes on as it is used.

    Raises ValueError, with a sentence for a person, if a certificate is missing or does not fit.
    """
    settings = gateway.settings
    store = Certificates(gateway.platform.root)
    der = []
    for name in ("modbus_tls_cert", "modbus_tls_key", "modbus_tls_ca"):
        file = settings.get(name)
        try:
            der.append(store.load(file))
        except KeyError:
            raise ValueError(f"TLS needs {name}: there is no such file as '{file}' in the certificate store")
    context = tls.SSLContext(tls.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(der[0], der[1])
        context.load_verify_locations(der[2])
    except (OSError, ValueError) as error:
        raise ValueError(f"TLS cannot use its certificate, key or authority: {error}")
    context.verify_mode = tls.CERT_REQUIRED  # pyright: ignore[reportAttributeAccessIssue]
    return lambda sock: context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
