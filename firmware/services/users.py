"""Users and roles over HTTP: /api/users, /api/roles (POST adds or changes one), /api/users/<name>, /api/roles/<name> (DELETE).

Of a password only whether there is one. Who sets somebody's password gives the own one once more, as at /api/password.
"""

from firmware.state.accounts import check_new
from firmware.state.roles import FIRST_ROLES, RIGHTS
from lib.http.errors import HttpError
from lib.http.json_text import put_errors, put_items, room


async def get(gateway, request, response):
    roles, accounts = gateway.login.roles, gateway.accounts()
    response.put(b'{"users":[')
    comma = b"{"
    for user, role in sorted(roles.users.items()):
        await room(response)
        response.put(comma)
        has_password = user == "admin" or accounts.has(user)
        await put_items(response, (("user", user), ("role", role), ("has_password", has_password)))
        response.put(b"}")
        comma = b",{"
    response.put(b'],"roles":')
    await _put_words(response, sorted(roles.roles))
    response.put(b"}")


async def get_roles(gateway, request, response):
    response.put(b'{"rights":')
    await _put_words(response, RIGHTS.split(" "))
    response.put(b',"roles":[')
    comma = b'{"role":'
    for role, rights in sorted(gateway.login.roles.roles.items()):
        await room(response)
        response.put(comma)
        response.put_json(role)
        response.put(b',"rights":')
        await _put_words(response, rights)
        response.put(b',"stays":true}' if role in FIRST_ROLES else b',"stays":false}')
        comma = b',{"role":'
    response.put(b"]}")


async def _put_words(response, words):
    await room(response)
    comma = b"["
    for word in words:
        response.put(comma)
        response.put_json(word)
        comma = b","
    response.put(b"]" if comma == b"," else b"[]")


async def post(gateway, request, response, body):
    """Add a user, or change role, password or both."""
    login = gateway.login
    roles = login.roles
    user, new = body.get("user"), body.get("new")
    is_new = not isinstance(user, str) or user not in roles.users
    role = body.get("role", "" if is_new else roles.users[user])
    try:
        roles.check_user(user, role, gateway.accounts().has)
        roles.check_reach(request.user, user, role)
        if is_new or new is not None:
            check_new(new, gateway.identity.pop)
            if not await login.change_password(request, user, body.get("password"), new):
                raise HttpError(403, "the present password is wrong")
            roles.check_user(user, role, gateway.accounts().has)  # others may have come meanwhile
        roles.set_user(user, role)
    except ValueError as error:
        return await put_errors(response, {getattr(error, "field", "new"): str(error)})
    except OSError:
        raise HttpError(507, "the flash did not take it")
    response.status = 201 if is_new else 200
    response.put(b"{}")
    return None


async def delete(gateway, request, response, body):
    """Take a user away; all that is logged in so ends."""
    login = gateway.login
    roles = login.roles
    user = _name(request, roles.users)

    def remove():
        roles.check_reach(request.user, user)
        roles.check_user(user, None, gateway.accounts().has)
        roles.set_user(user, None)
        login.forget(user)

    await _change(response, remove)


async def post_role(gateway, request, response, body):
    """Add a role, or change its rights: at once, also for who is logged in."""
    await _change(response, lambda: gateway.login.roles.set_role(body.get("role"), body.get("rights")))


async def delete_role(gateway, request, response, body):
    roles = gateway.login.roles
    name = _name(request, roles.roles)
    await _change(response, lambda: roles.remove_role(name))


async def _change(response, change):
    try:
        change()
    except ValueError as error:
        return await put_errors(response, {error.field: str(error)})  # pyright: ignore[reportAttributeAccessIssue] - Refused
    except OSError:
        raise HttpError(507, "the flash did not take it")
    response.status = 204
    return None


def _name(request, known):
    name = request.path[request.path.rfind("/") + 1 :]
    if name not in known:
        raise HttpError(404, "there is nobody and nothing of this name")
    return name
