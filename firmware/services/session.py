"""Logging in and out, and changing passwords: /api/login, /api/logout, /api/password."""

import board
from firmware.state.accounts import check_new
from lib.http.errors import HttpError
from lib.http.json_text import put_errors


async def log_in(gateway, request, response, body):
    login = gateway.login
    user, password = body.get("user"), body.get("password")
    if not isinstance(user, str) or not isinstance(password, str):
        raise HttpError(400, "user and password are expected")
    wait = login.locked_s(request.peer, user)
    if wait:
        response.status = 429
        response.add_header("Retry-After", str(wait))
        response.put(b'{"error":"too many wrong passwords","retry_s":')
        response.put_int(wait)
        response.put(b"}")
        return
    if not await login.verify(request, user, password):
        raise HttpError(403, "wrong user or password")
    must_change = user == "admin" and not gateway.accounts().has(user)
    response.add_header("Set-Cookie", login.open(user, must_change))
    response.put(b'{"user":')
    response.put_json(user)
    response.put(b',"must_change":true}' if must_change else b',"must_change":false}')
    gateway.events.add("login", f"{user} from {request.peer}")


async def log_out(gateway, request, response, body):
    response.add_header("Set-Cookie", gateway.login.close(request))
    response.status = 204


async def change_password(gateway, request, response, body):
    """Of `admin`, or of `reader`, whom an empty one takes away. Who asks is `admin` and gives the own password once more.

    On boards with roles anybody changes the own one so, and that of others who has the right for it.
    """
    login = gateway.login
    user, new = body.get("user", "admin"), body.get("new")
    known = ("admin", "reader")
    if "roles" in board.PARTS:
        known = login.roles.users
        user = body.get("user", request.user)
        if user != request.user:
            login.demand(request.user, "users")
    if user not in known:
        return await put_errors(response, {"user": "admin or reader is expected"})
    removes = user == "reader" and new == ""
    try:
        if "roles" in board.PARTS:
            login.roles.check_reach(request.user, user)
        if not removes:
            check_new(new, gateway.identity.pop)
    except ValueError as error:
        return await put_errors(response, {"new": str(error)})
    present = body.get("password")
    try:
        if not isinstance(present, str) or not await login.change_password(request, user, present, new):
            raise HttpError(403, "the present password is wrong")
    except OSError:
        raise HttpError(507, "the flash did not take the password; the old one stays")
    gateway.events.add("login", f"the password of {user} was " + ("taken away" if removes else "changed"))
    response.status = 204
    return None
