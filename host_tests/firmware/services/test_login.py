"""Who gets in: credentials in every shape, and requests that a foreign page sends."""

from binascii import b2a_base64

from firmware.services.login import Login
from lib.http.errors import HttpError

SECRET = "K7XW2M9QPA"
HOST = "192.168.1.209"


class Request:
    """The headers of one."""

    def __init__(self, **headers):
        self._headers = headers

    def header(self, name):
        return self._headers.get(name)


def basic(credentials):
    return "Basic " + b2a_base64(credentials.encode()).decode().strip()


GOOD = basic("admin:" + SECRET)

HEADERS = (
    # what, Authorization, whether it opens, whether it counts as a failed attempt
    ("right", GOOD, True, False),
    ("scheme in any case", "bASIC" + GOOD[5:], True, False),
    ("blanks around", "Basic   " + GOOD[6:] + "  ", True, False),
    ("none", None, False, False),
    ("empty", "", False, False),
    ("scheme alone", "Basic", False, True),
    ("scheme and blank", "Basic ", False, True),
    ("another scheme", "Bearer " + GOOD[6:], False, False),
    ("no scheme", GOOD[6:], False, False),
    ("not Base64", "Basic !!!!", False, None),
    ("half of a group", "Basic " + GOOD[6:-3], False, None),
    ("not encoded", "Basic admin:" + SECRET, False, None),
    ("wrong password", basic("admin:K7XW2M9QPB"), False, True),
    ("first sign wrong", basic("admin:A7XW2M9QPA"), False, True),
    ("in lower case", basic("admin:" + SECRET.lower()), False, True),
    ("too short", basic("admin:" + SECRET[:-1]), False, True),
    ("too long", basic("admin:" + SECRET + "A"), False, True),
    ("twice", basic("admin:" + SECRET + "admin:" + SECRET), False, True),
    ("no password", basic("admin:"), False, True),
    ("user alone", basic("admin"), False, True),
    ("password alone", basic(SECRET), False, True),
    ("another user", basic("root:" + SECRET), False, True),
    ("user in capitals", basic("ADMIN:" + SECRET), False, True),
    ("NUL behind", basic("admin:" + SECRET + "\0"), False, True),
    ("blank behind", basic("admin:" + SECRET + " "), False, True),
    ("colon alone", basic(":"), False, True),
    ("long", basic("admin:" + "x" * 700), False, True),
    ("no ASCII", "Basic äöü", False, None),
)

ORIGINS = (
    # Origin, Host, status
    (None, HOST, 0),
    ("http://" + HOST, HOST, 0),
    ("https://" + HOST, HOST, 0),
    ("http://" + HOST + ":8080", HOST + ":8080", 0),
    ("http://" + HOST + ":8080", HOST, 403),
    ("http://" + HOST, HOST + ":8080", 403),
    ("http://evil.example", HOST, 403),
    ("http://" + HOST + ".evil.example", HOST, 403),
    ("http://evil.example/" + HOST, HOST, 403),
    ("ftp://" + HOST, HOST, 403),
    ("null", HOST, 403),
    ("", HOST, 403),
    ("http://" + HOST, None, 403),
    ("http://", None, 0),  # nobody can be at no address
)


def status(login, **headers):
    """0 if it opens, else the status."""
    try:
        login.check(Request(**headers))
    except HttpError as error:
        assert SECRET not in error.message
        if error.status == 401:
            assert error.name == "WWW-Authenticate" and error.value.startswith("Basic ")
        return error.status
    return 0


def test_credentials():
    for what, header, opens, counts in HEADERS:
        login = Login(lambda: SECRET)
        assert status(login, authorization=header, host=HOST) == (0 if opens else 401), what
        if counts is not None:
            assert login.failures == int(counts), what


def test_foreign_pages_are_refused_even_with_credentials():
    for origin, host, expected in ORIGINS:
        login = Login(lambda: SECRET)
        assert status(login, authorization=GOOD, origin=origin, host=host) == expected, (origin, host)
        if expected == 403:
            assert status(login, origin=origin, host=host) == 403


def test_the_password_of_now_counts():
    password = [SECRET]
    login = Login(lambda: password[0])
    assert status(login, authorization=GOOD) == 0
    password[0] = "another: one"
    assert status(login, authorization=GOOD) == 401
    assert status(login, authorization=basic("admin:another: one")) == 0
    password[0] = "grün"
    assert status(login, authorization=basic("admin:grün")) == 0
    assert login.failures == 1


def test_every_sign_counts():
    login = Login(lambda: SECRET)
    expected = "admin:" + SECRET
    for at in range(len(expected)):
        for bit in (1, 2, 64):
            given = expected[:at] + chr(ord(expected[at]) ^ bit) + expected[at + 1 :]
            assert status(login, authorization=basic(given)) == 401, given
