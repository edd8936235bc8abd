"""Who is logged in, and who guesses: what firmware/services/login.py knows between two requests. In RAM; a restart ends it."""

from os import urandom


class Logins:
    def __init__(self):
        self.sessions = []  # [token, user, must change the password, uptime at the beginning, at the last request], in seconds
        self.failures = []  # [address and user, how many, locked until, last one], uptimes in seconds
        self.known = []  # addresses that logged in, newest last: the lock of all leaves them alone
        self.salt = urandom(16)
        self.digests = {}  # user: fast hash of the right password
        self.roles = None  # firmware/state/roles.py, once somebody was asked for, on boards that have it
        self.turn = None  # the lock that lets one slow hash be made at a time, once there was one
