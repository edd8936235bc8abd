"""The TLS side of outgoing connections: whom to believe, and who we are."""

import tls

from lib.aio.connect import ConnectionFailed


def context(authority, certificate=None, key=None):
    """Return a tls.SSLContext for connect(): the server has to show a certificate that `authority` signed.

    All are DER in bytes (no bytearray, no view); certificate and key are shown to servers that ask for one. Raises
    ConnectionFailed("tls_files") if one cannot be used, or "memory".
    """
    try:
        made = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
        made.verify_mode = tls.CERT_REQUIRED  # pyright: ignore[reportAttributeAccessIssue]
        made.load_verify_locations(authority)
        if certificate is not None:
            made.load_cert_chain(certificate, key)
    except MemoryError:
        raise ConnectionFailed("memory")
    except (OSError, ValueError, TypeError):
        raise ConnectionFailed("tls_files")
    return made
