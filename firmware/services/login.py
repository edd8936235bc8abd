"""Who may change the device: HTTP Basic for now, user "admin", first password the device's own secret.

Every handler that changes something calls check() first.
"""

from binascii import a2b_base64

from lib.http.errors import HttpError

_USER = "admin"


class Login:
    """`password()` returns the password that counts now."""

    def __init__(self, password):
        self._password = password
        self.failures = 0

    def check(self, request):
        """Return if the request comes from one who may; else raise HttpError 401, or 403 for a request of a foreign page."""
        self._check_origin(request)
        given = _basic(request.header("authorization") or "")
        if given is not None and _same(given, (_USER + ":" + self._password()).encode()):
            return
        if given is not None:
            self.failures += 1
        raise HttpError(401, "a login is needed", "WWW-Authenticate", 'Basic realm="SG", charset="UTF-8"')

    def _check_origin(self, request):
        """A browser sends the credentials it knows along with what a foreign page posts; but it says where that came from."""
        origin = request.header("origin")
        if origin is not None:
            host = request.header("host") or ""
            if origin not in ("http://" + host, "https://" + host):
                raise HttpError(403, "requests of other sites are refused")


def _basic(header):
    """Return the decoded credentials of an Authorization header, None if it holds none."""
    kind, _, value = header.partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        return a2b_base64(value.strip())
    except ValueError:
        return None


def _same(given, expected):
    """Compare in a time that does not tell how much of it was right."""
    difference = len(given) ^ len(expected)
    for index in range(len(given)):
        difference |= given[index] ^ expected[index % len(expected)]
    return difference == 0
