"""Users and their roles: what a new gateway has, what is refused, what a file may say."""

from firmware.state.roles import RIGHTS, Refused, Roles

WORDS = RIGHTS.split(" ")


class Memory:
    """A fake of the file; `error` is what its next writing raises."""

    failure = error = None

    def __init__(self, stored=None):
        self.stored = stored

    def load(self):
        return self.stored

    def save(self, value):
        if self.error:
            raise self.error
        self.stored = value


def refused(change, *arguments):
    """The field that is wrong, "" if nothing is."""
    try:
        change(*arguments)
    except Refused as error:
        assert len(str(error).split()) > 2
        return error.field
    return ""


def nobody(name):
    return False


def test_a_new_gateway():
    roles = Roles(Memory())
    assert roles.users == {"admin": "administrator", "reader": "reader"}
    assert list(roles.rights("admin")) == WORDS and len(WORDS) == 9
    assert roles.rights("reader") == ("read", "export")
    assert roles.rights("anna") == roles.rights("") == ()
    assert roles.roles["configurator"] == ("read", "export", "clock", "write", "backup")


def test_what_is_kept_is_there_after_a_restart():
    file = Memory()
    roles = Roles(file)
    roles.set_role("guest", ["write", "read", "read"])
    roles.set_user("anna", "guest")
    again = Roles(file)
    assert again.rights("anna") == ("read", "write")
    again.set_user("anna", None)
    again.remove_role("guest")
    assert Roles(file).users == Roles(Memory()).users and "guest" not in Roles(file).roles


def test_what_is_refused_changes_nothing():
    file = Memory()
    roles = Roles(file)
    for name, rights, field in (
        ("administrator", [], "rights"),
        ("administrator", [word for word in WORDS if word != "roles"], "rights"),
        ("reader", ["fly"], "rights"),
        ("reader", "read", "rights"),
        ("reader", None, "rights"),
        ("reader", [1, ["read"]], "rights"),
        ("", [], "role"),
        (None, [], "role"),
        ("a b", [], "role"),
        ("Ä", [], "role"),
        ("x" * 17, [], "role"),
    ):
        assert refused(roles.set_role, name, rights) == field, (name, rights)
    for name, role, field in (
        ("anna", "no such role", "role"),
        ("a:b", "reader", "user"),
        ("", "reader", "user"),
        (7, "reader", "user"),
        ("admin", "reader", "user"),  # the last one
        ("admin", None, "user"),
        ("anna", "reader", ""),
        ("reader", None, ""),
    ):
        assert refused(roles.check_user, name, role, nobody) == field, (name, role)
    assert refused(roles.remove_role, "configurator") == "role"
    roles.set_role("guest", [])
    roles.set_user("anna", "guest")
    assert refused(roles.remove_role, "guest") == "role", "somebody has it"
    before = dict(roles.users), dict(roles.roles)
    file.error = OSError(28)
    for change in (
        lambda: roles.set_user("otto", "reader"),
        lambda: roles.set_user("anna", None),
        lambda: roles.set_role("reader", WORDS),
    ):
        try:
            change()
            raise AssertionError("the flash is full")
        except OSError:
            assert (roles.users, roles.roles) == before


def test_there_is_always_an_administrator_who_can_log_in():
    roles = Roles(Memory())
    roles.set_user("anna", "administrator")
    assert refused(roles.check_user, "admin", None, nobody) == "user", "anna has no password"
    assert refused(roles.check_user, "admin", None, lambda name: name == "anna") == ""
    assert refused(roles.check_user, "anna", "reader", nobody) == "", "admin has the one on the label"
    roles.set_user("admin", None)
    assert refused(roles.check_user, "anna", None, lambda name: True) == "user"
    roles.set_role("administrator", ["roles"])  # little else is needed to get all back
    assert roles.rights("anna") == ("roles",)


def test_there_is_room_for_so_many():
    roles = Roles(Memory())
    for number in range(8):
        assert refused(roles.check_user, f"user{number}", "reader", nobody) == ""
        roles.set_user(f"user{number}", "reader")
    assert refused(roles.check_user, "one-more", "reader", nobody) == "user"
    for number in range(5):
        roles.set_role(f"role{number}", [])
    assert refused(roles.set_role, "one-more", []) == "role"
    assert refused(roles.set_role, "role1", ["read"]) == ""


def test_nobody_reaches_higher():
    roles = Roles(Memory())
    roles.set_role("clerk", ["read", "users"])
    roles.set_user("anna", "clerk")
    roles.set_user("otto", "configurator")
    assert refused(roles.check_reach, "anna", "otto") == "user"
    assert refused(roles.check_reach, "anna", "new", "administrator") == "user"
    assert refused(roles.check_reach, "anna", "reader") == "user", "who may export"
    assert refused(roles.check_reach, "anna", "anna", "clerk") == ""
    assert refused(roles.check_reach, "admin", "otto", "administrator") == ""


def test_files_that_another_program_wrote():
    first = Roles(Memory()).users
    for stored in (
        {},
        [],
        "x",
        {"roles": 1, "users": 2},
        {"roles": {}, "users": {}},
        {"roles": {"reader": ["read"]}, "users": {"anna": "reader"}},  # nobody could ever change anything
        {"roles": {"administrator": None}, "users": {"anna": "administrator"}},
        {"roles": {"administrator": []}, "users": {"anna": ["administrator"]}},
    ):
        assert Roles(Memory(stored)).users == first, stored
    roles = Roles(Memory({"roles": {"administrator": ["fly", "read"]}, "users": {"anna": "administrator", "otto": "none"}}))
    assert roles.users == {"anna": "administrator"} and roles.rights("anna") == ("read", "roles")
    assert "configurator" in roles.roles


def test_a_flash_that_fails_is_no_new_gateway():
    file = Memory()
    file.failure = OSError(5)
    try:
        Roles(file)
        raise AssertionError("admin would have the password on the label again")
    except OSError:
        pass
