"""Who may do what: session cookies, HTTP Basic, the cookie of the maker's client; and the lock against guessing.

Every route has a level (firmware/routes.py): "public" is always open, "read" and "export" are unless the setting read_login
closes them, "user" needs any login, all others need `admin`. On boards with roles the others are rights, which the role of a
user has or has not (firmware/state/roles.py), "own" needs any login, and "user" the right "read". check() is called before the
handler is even loaded. There are two users, `admin` and `reader`, and with roles more. Passwords are kept as slow hashes
(firmware/state/accounts.py); one that was right is remembered as a fast one in RAM, for clients that send it each time.

What lasts is in firmware/state/logins.py: this module is in RAM only while somebody asks for what is not open, or for the
status.
"""

import asyncio
from binascii import a2b_base64, hexlify
from hashlib import sha256
from os import urandom

from micropython import const

import board
from lib.crypto.hmac import same
from lib.http.errors import HttpError

_COOKIE = const("sg_session")
_TOKEN_SIZE = const(32)  # hexadecimal digits
_LONGEST = const(64)  # characters of a password that is looked at: comparing takes its time
_SESSIONS = const(6)
_IDLE_S = const(1800)
_LONGEST_S = const(43200)
_FREE_FAILURES = const(5)  # of one address before it has to wait
_FREE_FAILURES_OF_ALL = const(30)
_LONGEST_WAIT_S = const(300)
_LONGEST_WAIT_OF_ALL_S = const(30)
_FORGET_S = const(900)  # failures count so long after the last one
_PEERS = const(8)  # addresses remembered, with failures or with successes
_HARMLESS = const("read export user")  # levels, as one text: the smallest in flash

# Positions in a session, and in what is known of an address
_TOKEN = const(0)
_NAME = const(1)
_MUST_CHANGE = const(2)
_BEGAN = const(3)
_USED = const(4)
_WHO = const(0)
_COUNT = const(1)
_UNTIL = const(2)
_LAST = const(3)
_ANYBODY = const("")  # the entry that counts the failures of all


class Login:
    """Made for each request. `gateway` has logins, settings, clock, events, identity, accounts()."""

    def __init__(self, gateway):
        self._gateway = gateway
        self._state = gateway.logins
        self._now = gateway.clock.uptime_s()
        self._users = self.roles.users if "roles" in board.PARTS else ("admin", "reader")

    # Each request

    async def check(self, request, level):
        """Return if the request may be served; else raise HttpError: 401 or 403 (login missing), 403, 429 (locked).

        Not called for what is open and changes nothing.
        """
        if request.method not in ("GET", "HEAD"):
            _check_origin(request)
        if level == "public":
            return
        session = self.session(request)
        is_harmless = level in _HARMLESS
        if session:
            if session[_MUST_CHANGE] and not is_harmless and request.path != "/api/password":
                raise HttpError(403, "change the password first")
            user = session[_NAME]
        else:
            user = await self._basic_user(request)
        if user is None:
            if request.path.startswith("/api"):
                raise HttpError(403, "a login is needed")
            raise HttpError(401, "a login is needed", "WWW-Authenticate", 'Basic realm="SG", charset="UTF-8"')
        if "roles" in board.PARTS:
            if level != "own":
                self.demand(user, "read" if level == "user" else level)
            request.user = user
        elif not is_harmless and user != "admin":
            raise HttpError(403, "this needs the login admin")

    async def _basic_user(self, request):
        given = _basic(request)
        if given is None:
            return None
        user, _, password = given.partition(b":")
        try:
            user, password = user.decode(), password.decode()
        except UnicodeError:
            user = password = ""
        return user if await self.verify(request, user, password) else None

    # Passwords

    async def verify(self, request, user, password):
        """Tell whether this is the user's password. Raises HttpError 429 while the address is locked, right or wrong."""
        self._check_lock(request.peer, user)
        turn = await self._take_turn()
        try:
            return await self._verify(request.peer, user, password)
        finally:
            turn.release()

    async def change_password(self, request, user, present, new):
        """Give a user another password, "" takes `reader` away; return False if `present` is not that of who asks.

        All in one turn: nobody logs in, and no other password is changed, between the look at the old one and the end.
        Raises HttpError 429, OSError.
        """
        by = request.user if "roles" in board.PARTS else "admin"
        self._check_lock(request.peer, by)
        turn = await self._take_turn()
        try:
            if not await self._verify(request.peer, by, present):
                return False
            accounts = self._gateway.accounts()
            if new:
                await accounts.keep(user, new)
            else:
                accounts.remove(user)
            self._password_changed(user, request)
        finally:
            turn.release()
        return True

    def demand(self, user, right):
        """Raise HttpError 403 unless the role of a user has a right."""
        if right not in self.roles.rights(user):
            raise HttpError(403, f"your role lacks the right {right}")

    def forget(self, user):
        """A user is no more. Raises OSError."""
        self._state.digests.pop(user, None)
        self._state.sessions = [session for session in self._state.sessions if session[_NAME] != user]
        self._gateway.accounts().remove(user)

    @property
    def roles(self):
        """Who has which role, and what that may do: read from flash once, or anew when memory is short (firmware/routes.py)."""
        if self._state.roles is None:
            roles = self._gateway.router.module("firmware.state.roles")
            self._state.roles = roles.Roles(self._gateway.document(self._gateway.platform.root + "/roles.json"))
        return self._state.roles

    async def _take_turn(self):
        """Return the lock that lets one password be looked at or changed at a time, taken."""
        state = self._state
        if state.turn is None:
            state.turn = asyncio.Lock()
        await state.turn.acquire()
        self._now = self._gateway.clock.uptime_s()
        return state.turn

    async def _verify(self, peer, user, password):
        self._check_lock(peer, user)  # others may have failed while this one waited for its turn
        right = await self._is_right(user, password)
        if right:
            self._succeeded(peer, user)
        else:
            self._failed(peer, user)
        return right

    async def _is_right(self, user, password):
        if len(password) > _LONGEST:
            return False
        if user not in self._users:
            return False
        digests = self._state.digests
        digest = sha256(self._state.salt + password.encode()).digest()
        if user in digests:
            return same(digest, digests[user])
        accounts = self._gateway.accounts()
        if accounts.trouble:
            self._gateway.events.add("login", accounts.trouble)
        if user == "admin" and not accounts.has(user):
            right = same(password.encode(), self._gateway.identity.pop.encode())
        else:
            right = await accounts.matches(user, password)
        if right:
            digests[user] = digest
        return right

    def _password_changed(self, user, request):
        """What was remembered of a user's password counts no more; its sessions end but the one that asks."""
        self._state.digests.pop(user, None)
        mine = self.session(request)
        self._state.sessions = [session for session in self._state.sessions if session[_NAME] != user or session is mine]
        if mine and mine[_NAME] == user:
            mine[_MUST_CHANGE] = False

    # Sessions

    def session(self, request):
        """Return the session of a request's cookie, None if it has none that counts."""
        token = _cookie(request, _COOKIE)
        if not token or len(token) != _TOKEN_SIZE:
            return None
        now = self._now
        for session in self._state.sessions:
            if same(token.encode(), session[_TOKEN]):
                if now - session[_USED] > _IDLE_S or now - session[_BEGAN] > _LONGEST_S:
                    self._state.sessions.remove(session)
                    return None
                session[_USED] = now
                return session
        return None

    def who(self, request):
        """Return (user, must_change) of a session, ("", False) without one."""
        session = self.session(request)
        return (session[_NAME], session[_MUST_CHANGE]) if session else ("", False)

    def open(self, user, must_change):
        """Begin a session; return the value of its Set-Cookie header. The one unused for longest makes room."""
        if len(self._state.sessions) >= _SESSIONS:
            self._state.sessions.sort(key=lambda session: session[_USED])
            self._state.sessions.pop(0)
        now = self._now
        token = hexlify(urandom(16))
        self._state.sessions.append([token, user, must_change, now, now])
        return f"{_COOKIE}={token.decode()}; Path=/; HttpOnly; SameSite=Strict"

    def close(self, request):
        """End the session of a request; return the value of the header that clears its cookie."""
        session = self.session(request)
        if session:
            self._state.sessions.remove(session)
        return f"{_COOKIE}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict"

    # The lock

    def locked_s(self, peer, user):
        """Return for how many seconds no password for a user is looked at from this address, 0 for none."""
        who = self._who(peer, user)
        wait = 0
        for entry in self._state.failures:
            if entry[_WHO] == who or (entry[_WHO] == _ANYBODY and peer not in self._state.known):
                wait = max(wait, entry[_UNTIL] - self._now)
        return wait

    def _who(self, peer, user):
        """What failures are counted for: an address and a user, all that do not exist as one."""
        return peer + " " + (user if user in self._users else "?")

    def _check_lock(self, peer, user):
        wait = self.locked_s(peer, user)
        if wait:
            raise HttpError(429, f"too many wrong passwords; wait {wait} s", "Retry-After", str(wait))

    def _failed(self, peer, user):
        count = self._count(self._who(peer, user), _FREE_FAILURES, _LONGEST_WAIT_S)
        self._count(_ANYBODY, _FREE_FAILURES_OF_ALL, _LONGEST_WAIT_OF_ALL_S)
        if count in (1, _FREE_FAILURES):
            self._gateway.events.add("login", f"wrong password from {peer}" + (", now locked for a while" if count > 1 else ""))

    def _count(self, who, free, longest_s):
        """Note one failure more; return how many there are."""
        now = self._now
        failures = [entry for entry in self._state.failures if now - entry[_LAST] < _FORGET_S]
        self._state.failures = failures
        for entry in failures:
            if entry[_WHO] == who:
                break
        else:
            if len(failures) > _PEERS:  # what is missed least goes: not the count for all, and locks last
                failures.sort(key=lambda entry: (entry[_WHO] == _ANYBODY, entry[_UNTIL], entry[_LAST]))
                failures.pop(0)
            entry = [who, 0, 0, 0]
            failures.append(entry)
        entry[_COUNT] += 1
        entry[_LAST] = now
        if entry[_COUNT] >= free:
            entry[_UNTIL] = now + min(1 << min(entry[_COUNT] - free, 10), longest_s)
        return entry[_COUNT]

    def _succeeded(self, peer, user):
        who = self._who(peer, user)  # who has one right password may not guess another one for ever
        self._state.failures = [entry for entry in self._state.failures if entry[_WHO] != who]
        if peer in self._state.known:
            self._state.known.remove(peer)
        elif len(self._state.known) >= _PEERS:
            self._state.known.pop(0)
        self._state.known.append(peer)


def _check_origin(request):
    """A browser sends the credentials it knows along with what a foreign page posts; but it says where that came from."""
    origin = request.header("origin")
    if origin is not None:
        host = request.header("host") or ""
        if origin not in ("http://" + host, "https://" + host):
            raise HttpError(403, "requests of other sites are refused")
    elif request.header("sec-fetch-site") not in (None, "same-origin", "none"):
        raise HttpError(403, "requests of other sites are refused")


def _cookie(request, name):
    """Return the value of a cookie, None if it is not there; it may hold blanks and "="."""
    for part in (request.header("cookie") or "").split(";"):
        key, equals, value = part.partition("=")
        if equals and key.strip() == name:
            return value.strip()
    return None


def _basic(request):
    """Return the decoded credentials of the Authorization header or cookie, None if there are none."""
    kind, _, value = (request.header("authorization") or _cookie(request, "Authorization") or "").partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        return a2b_base64(value.strip())
    except ValueError:
        return None
