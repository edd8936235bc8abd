"""Who has which role, and what each role may do: two small tables in one file. Passwords are elsewhere: accounts.py.

Nine rights, whose words stand in firmware/routes.py too: a route needs one of them. Who has the right `roles` may get every
other, so nobody else touches who has more rights, or gives away more.
"""

from micropython import const

RIGHTS = const("read export clock write backup clear update users roles")
ADMINISTRATOR = const("administrator")
FIRST_ROLES = {"reader": "read export", "configurator": "read export clock write backup", ADMINISTRATOR: RIGHTS}  # which stay
_FIRST_USERS = const((("admin", ADMINISTRATOR), ("reader", "reader")))
_MOST_ROLES = const(8)
_MOST_USERS = const(10)  # eight besides those that a new gateway has
_LONGEST_NAME = const(16)
_ODD = const("._-")  # what a name may have besides letters and digits


class Refused(ValueError):
    """`field`: what of an order is wrong; the text is a sentence."""

    def __init__(self, field, sentence):
        super().__init__(sentence)
        self.field = field


class Roles:
    """`document` of the file (lib/store/document.py). `users`: {name: role}; `roles`: {name: tuple of rights}.

    To be changed by the methods only, which raise Refused, or OSError if the flash does not take it: then nothing has changed.
    """

    def __init__(self, document):
        """Raises what kept the file from being read, as Accounts does. A damaged one counts as not there."""
        stored = document.load()
        if stored is None and document.failure is not None:
            raise document.failure
        self._document = document
        self.roles = {name: tuple(rights.split(" ")) for name, rights in FIRST_ROLES.items()}
        self.users = dict(_FIRST_USERS)
        try:
            roles, users = stored["roles"], stored["users"]
            roles = {name: tuple([right for right in _RIGHTS if right in rights]) for name, rights in roles.items()}
            users = {name: role for name, role in users.items() if role in roles}
            if ADMINISTRATOR in users.values():
                roles[ADMINISTRATOR] += () if "roles" in roles[ADMINISTRATOR] else ("roles",)
                self.roles.update(roles)
                self.users = users
        except (TypeError, KeyError, AttributeError):
            pass  # there was none, or a file that another program wrote

    def rights(self, user):
        """Return the rights of a user as a tuple, none for one that there is not."""
        return self.roles.get(self.users.get(user, ""), ())

    def check_reach(self, by, user, role=""):
        """Raise Refused if `by` has less rights than a user, or than a role that the user is to have; "": the present one."""
        own = self.rights(by)
        for right in self.rights(user) + self.roles.get(role, ()):
            if right not in own and "roles" not in own:
                raise Refused("user", "who has more rights than you is beyond your reach")

    def set_role(self, name, rights):
        """Have a role, which is new or not, consist of these rights."""
        if not isinstance(rights, list) or [right for right in rights if right not in _RIGHTS]:
            raise Refused("rights", "a list of rights is expected")
        if name == ADMINISTRATOR and "roles" not in rights:
            raise Refused("rights", "the administrator keeps the right roles")
        roles = dict(self.roles)
        if name not in roles:
            _check_name("role", name)
            if len(roles) >= _MOST_ROLES:
                raise Refused("role", f"there is room for {_MOST_ROLES} roles")
        roles[name] = tuple([right for right in _RIGHTS if right in rights])
        self._save(roles, self.users)

    def remove_role(self, name):
        if name in FIRST_ROLES:
            raise Refused("role", "this role stays")
        if name in self.users.values():
            raise Refused("role", "somebody has this role")
        roles = dict(self.roles)
        roles.pop(name)
        self._save(roles, self.users)

    def check_user(self, name, role, has_password):
        """Raise Refused for a user that cannot be kept so. `has_password(name)`: whether there is one, to log in with."""
        if name not in self.users:
            _check_name("user", name)
            if len(self.users) >= _MOST_USERS:
                raise Refused("user", f"there is room for {_MOST_USERS} users")
        if role is not None and role not in self.roles:
            raise Refused("role", "this role is not known")
        if role != ADMINISTRATOR and self.users.get(name) == ADMINISTRATOR:
            for other, others in self.users.items():
                if other != name and others == ADMINISTRATOR and (other == "admin" or has_password(other)):
                    return
            raise Refused("user", "the last administrator stays")

    def set_user(self, name, role):
        """Give a user, who is new or not, a role; None takes the user away. check_user() comes before."""
        users = dict(self.users)
        if role is None:
            users.pop(name)
        else:
            users[name] = role
        self._save(self.roles, users)

    def _save(self, roles, users):
        self._document.save({"roles": roles, "users": users})
        self.roles, self.users = roles, users


_RIGHTS = RIGHTS.split(" ")


def _check_name(field, name):
    if not isinstance(name, str) or not 0 < len(name) <= _LONGEST_NAME:
        raise Refused(field, f"a name of at most {_LONGEST_NAME} characters is expected")
    for letter in name:
        if not ("a" <= letter.lower() <= "z" or "0" <= letter <= "9" or letter in _ODD):
            raise Refused(field, "letters, digits and . _ - are expected")
