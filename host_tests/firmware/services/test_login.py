"""Who gets in: credentials in every shape, and requests that a foreign page sends."""

import asyncio
from binascii import b2a_base64

from firmware.services.login import Login
from firmware.state.logins import Logins
from firmware.state.roles import RIGHTS, Roles
from lib.http.errors import HttpError

SECRET = "K7XW2M9QPA"
HOST = "192.168.1.209"


class Request:
    """The headers of one, and where it came from."""

    def __init__(self, method="POST", path="/post_command", peer="10.0.0.9", **headers):
        self.method = method
        self.path = path
        self.peer = peer
        self.user = "admin"
        self._headers = headers

    def header(self, name):
        return self._headers.get(name.replace("-", "_"))


class Memory:
    """A fake of the file of roles."""

    failure = None

    def __init__(self, stored=None):
        self.stored = stored

    def load(self):
        return self.stored

    def save(self, value):
        self.stored = value


class Accounts:
    """A fake of the file: passwords as they are."""

    trouble = ""

    def __init__(self, passwords):
        self._passwords = passwords

    def has(self, user):
        return user in self._passwords

    async def keep(self, user, password):
        await asyncio.sleep_ms(1)
        self._passwords[user] = password

    def remove(self, user):
        self._passwords.pop(user, None)

    async def matches(self, user, password):
        await asyncio.sleep_ms(1)
        return self._passwords.get(user) == password


class Clock:
    now_s = 100

    def uptime_s(self):
        return self.now_s


class Gateway:
    """What Login needs of it."""

    def __init__(self, passwords=None):
        self.logins = Logins()
        self.logins.roles = Roles(Memory())
        self.clock = Clock()
        self.passwords = passwords or {}
        self.identity = self
        self.events = self
        self.pop = SECRET
        self.told = []

    def add(self, kind, text):
        self.told.append(text)

    def accounts(self):
        return Accounts(self.passwords)


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


async def status(gateway, level="write", **request):
    """0 if it may be served, else the status."""
    try:
        await Login(gateway).check(Request(**request), level)
    except HttpError as error:
        assert SECRET not in error.message
        if error.status == 401:
            assert error.name == "WWW-Authenticate" and error.value.startswith("Basic ")
        return error.status
    return 0


def failures(gateway, peer="10.0.0.9"):
    return sum([entry[1] for entry in gateway.logins.failures if entry[0].startswith(peer + " ")])


async def test_credentials():
    for what, header, opens, counts in HEADERS:
        gateway = Gateway()
        assert await status(gateway, authorization=header, host=HOST) == (0 if opens else 401), what
        if counts is not None:
            assert failures(gateway) == int(counts), what
        if header and ";" not in header:  # the maker's client sends the same in a cookie
            expected = 0 if opens else 403
            cookie = "a=b; Authorization=" + header + "; c=d"
            assert await status(Gateway(), path="/api/restart", cookie=cookie, host=HOST) == expected, what


async def test_foreign_pages_are_refused_even_with_credentials():
    for origin, host, expected in ORIGINS:
        assert await status(Gateway(), authorization=GOOD, origin=origin, host=host) == expected, (origin, host)
        if expected == 403:
            assert await status(Gateway(), origin=origin, host=host) == 403
            assert await status(Gateway(), "public", path="/api/login", origin=origin, host=host) == 403
    for site, expected in ((None, 0), ("same-origin", 0), ("none", 0), ("same-site", 403), ("cross-site", 403), ("x", 403)):
        assert await status(Gateway(), authorization=GOOD, sec_fetch_site=site, host=HOST) == expected, site


async def test_who_may_do_what():
    passwords = {"admin": "of the admin", "reader": "of the reader"}
    admin, reader = basic("admin:of the admin"), basic("reader:of the reader")
    for level, nobody, as_reader in (
        ("public", 0, 0),
        ("read", 403, 0),  # where reading is closed
        ("user", 403, 0),
        ("export", 403, 0),
        ("own", 403, 0),
        ("write", 403, 403),
        ("roles", 403, 403),
    ):
        gateway = Gateway(passwords)
        assert await status(gateway, level, method="GET", path="/api/x") == nobody, level
        assert await status(gateway, level, method="GET", path="/api/x", authorization=reader) == as_reader, level
        assert await status(gateway, level, method="GET", path="/api/x", authorization=admin) == 0, level
    assert await status(Gateway(passwords), authorization=GOOD) == 401  # the secret of the label counts no more


async def test_each_right_opens_what_needs_it_and_nothing_else():
    gateway = Gateway({"anna": "of anna1"})
    anna = basic("anna:of anna1")
    roles = gateway.logins.roles
    assert await status(gateway, "own", authorization=anna) == 401  # a password without a user
    roles.set_role("guest", [])
    roles.set_user("anna", "guest")
    assert await status(gateway, "own", authorization=anna) == 0
    for right in RIGHTS.split(" "):
        roles.set_role("guest", [right])  # counts at once
        for level in RIGHTS.split(" "):
            assert await status(gateway, level, authorization=anna) == (0 if level == right else 403), (right, level)
        assert await status(gateway, "user", authorization=anna) == (0 if right == "read" else 403), right


async def test_who_is_taken_away_is_out():
    gateway = Gateway({"admin": "of the admin", "anna": "of anna1"})
    anna = basic("anna:of anna1")
    gateway.logins.roles.set_user("anna", "configurator")
    mine = Login(gateway).open("anna", False).split(";")[0]
    assert await status(gateway, cookie=mine) == await status(gateway, authorization=anna) == 0
    gateway.logins.roles.set_user("anna", None)
    Login(gateway).forget("anna")
    assert await status(gateway, cookie=mine) == await status(gateway, authorization=anna) == 401
    assert "anna" not in gateway.passwords and failures(gateway) == 1
    gateway.logins.roles.set_user("anna", "reader")
    assert await status(gateway, "own", cookie=mine) == 401, "another one of the same name"


async def test_a_session_and_its_end():
    gateway = Gateway({"admin": "of the admin"})
    cookie = Login(gateway).open("admin", False)
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie
    mine = cookie.split(";")[0]
    assert await status(gateway, cookie=mine) == 0
    assert await status(gateway, cookie="x=y; " + mine + ";z=") == 0
    for wrong in ("sg_session=", "sg_session", mine[:-1], mine + "0", mine[:-1] + chr(ord(mine[-1]) ^ 1), mine.upper()):
        assert await status(gateway, cookie=wrong) == 401, wrong
    assert failures(gateway) == 0
    gateway.clock.now_s += 1800
    assert await status(gateway, cookie=mine) == 0  # used just in time
    gateway.clock.now_s += 1801
    assert await status(gateway, cookie=mine) == 401  # unused for too long
    mine = Login(gateway).open("admin", False).split(";")[0]
    for _ in range(43200 // 1500):
        gateway.clock.now_s += 1500
        used = await status(gateway, cookie=mine)
    gateway.clock.now_s += 1500
    assert used == 0 and await status(gateway, cookie=mine) == 401  # however much it is used
    mine = Login(gateway).open("admin", False).split(";")[0]
    Login(gateway).close(Request(cookie=mine))
    assert await status(gateway, cookie=mine) == 401


async def test_the_first_password_has_to_be_changed():
    gateway = Gateway()
    mine = Login(gateway).open("admin", True).split(";")[0]
    assert Login(gateway).who(Request(cookie=mine)) == ("admin", True)
    assert await status(gateway, cookie=mine) == 403
    assert await status(gateway, "user", cookie=mine) == 0
    assert await status(gateway, path="/api/password", cookie=mine) == 0
    other = Login(gateway).open("admin", True).split(";")[0]
    assert await Login(gateway).change_password(Request(cookie=mine), "admin", SECRET, "another one")
    assert await status(gateway, cookie=mine) == 0
    assert await status(gateway, cookie=other) == 401  # whoever else was in is out


async def test_sessions_are_few():
    gateway = Gateway()
    cookies = []
    for _ in range(7):
        gateway.clock.now_s += 1
        cookies.append(Login(gateway).open("admin", False).split(";")[0])
        if len(cookies) > 1:
            assert await status(gateway, cookie=cookies[0]) == 0
    gone = []
    for cookie in cookies:
        if await status(gateway, cookie=cookie):
            gone.append(cookie)
    assert gone == [cookies[1]]  # the one unused for longest


async def test_guessing_takes_longer_and_longer():
    gateway = Gateway({"admin": "of the admin"})
    good, wrong = basic("admin:of the admin"), basic("admin:guess")
    assert await status(gateway, authorization=good, peer="10.0.0.8") == 0
    for _ in range(4):
        assert await status(gateway, authorization=wrong) == 401
    assert await status(gateway, authorization=good) == 0  # that clears it
    waits = []
    for _ in range(5):
        assert await status(gateway, authorization=wrong) == 401
    for _ in range(12):
        wait = Login(gateway).locked_s("10.0.0.9", "admin")
        waits.append(wait)
        assert await status(gateway, authorization=good) == 429  # even the right one: nobody is told
        gateway.clock.now_s += wait - 1
        assert await status(gateway, authorization=wrong) == 429
        gateway.clock.now_s += 1
        assert await status(gateway, authorization=wrong) == 401
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]
    assert await status(gateway, authorization=good, peer="10.0.0.8") == 0  # others are not concerned
    assert await status(gateway, authorization=good, cookie="x=y") == 429
    gateway.clock.now_s += 901
    assert await status(gateway, authorization=good) == 0
    assert len([text for text in gateway.told if "locked" in text]) == 1


async def test_guessing_from_many_addresses():
    gateway = Gateway({"admin": "of the admin"})
    good = basic("admin:of the admin")
    assert await status(gateway, authorization=good, peer="10.0.0.8") == 0
    for number in range(30):
        assert await status(gateway, authorization=basic("admin:x"), peer=f"10.0.1.{number}") == 401
    assert await status(gateway, authorization=good, peer="10.0.2.1") == 429
    assert await status(gateway, authorization=good, peer="10.0.0.8") == 0  # who was in before
    assert len(gateway.logins.failures) <= 9 and len(gateway.logins.known) <= 8
    gateway.clock.now_s += 1
    assert await status(gateway, authorization=good, peer="10.0.2.1") == 0


async def test_guesses_at_once_count_one_by_one():
    gateway = Gateway({"admin": "of the admin"})
    answers = await asyncio.gather(*[status(gateway, authorization=basic(f"admin:{n}")) for n in range(8)])
    assert sorted(answers) == [401] * 5 + [429] * 3


async def test_every_sign_counts():
    expected = "admin:" + SECRET
    for at in range(len(expected)):
        for bit in (1, 2, 64):
            given = expected[:at] + chr(ord(expected[at]) ^ bit) + expected[at + 1 :]
            assert await status(Gateway(), authorization=basic(given)) == 401, given


async def test_one_right_password_does_not_help_to_guess_another():
    gateway = Gateway({"admin": "of the admin", "reader": "of the reader"})
    reader = basic("reader:of the reader")
    answers = []
    for number in range(12):
        answers.append(await status(gateway, authorization=basic(f"admin:{number}")))
        assert await status(gateway, "user", authorization=reader) == 0
    assert answers == [401] * 5 + [429] * 7
    # Nor does failing from elsewhere make room
    for number in range(20):
        await status(gateway, authorization=basic("admin:x"), peer=f"10.0.3.{number}")
    assert Login(gateway).locked_s("10.0.0.9", "admin") > 0


async def test_two_passwords_changed_at_once():
    gateway = Gateway()
    mine = Login(gateway).open("admin", True).split(";")[0]

    def change(user, present, new):
        return Login(gateway).change_password(Request(cookie=mine), user, present, new)

    answers = await asyncio.gather(change("admin", SECRET, "new of admin"), change("reader", SECRET, "new of reader"))
    assert answers == [True, False]  # the second was given what counts no more
    assert gateway.passwords == {"admin": "new of admin"}
    answers = await asyncio.gather(
        change("reader", "new of admin", "new of reader"), status(gateway, "user", authorization=basic("reader:new of reader"))
    )
    assert answers == [True, 0]
    answers = await asyncio.gather(
        change("reader", "new of admin", "newer of reader"),
        status(gateway, "user", authorization=basic("reader:new of reader")),
        status(gateway, "user", authorization=basic("reader:newer of reader")),
    )
    assert answers == [True, 401, 0]
    assert await change("reader", "new of admin", "")
    assert await status(gateway, "user", authorization=basic("reader:newer of reader")) == 401


async def test_what_is_too_long_is_not_looked_at():
    gateway = Gateway()
    assert await status(gateway, authorization=basic("admin:" + SECRET + "x" * 5000)) == 401
    Login(gateway).open("admin", False)
    assert await status(gateway, cookie="sg_session=" + "0" * 900) == 401
