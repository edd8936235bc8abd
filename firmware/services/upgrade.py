"""/api/upgrade: how an upgrade goes, starting one, ending it; and what is to be looked after by itself.

What does the work is loaded while it works: upgrade_fetch.py, upgrade_check.py, upgrade_upload.py.
"""

import asyncio

from micropython import const

from firmware.version import VERSION
from lib.http.errors import HttpError
from lib.http.json_text import put_errors, put_items, room

_DAY_S = const(86400)
_LONGEST = const(1024)  # bytes of a URL
_TRIAL_S = const(600)  # then it is over
_ANSWERED_MS = const(100)  # then the request that began it has its answer, and what it needed may go
_OFF = const(0)  # of the setting upgrade_auto


async def get(gateway, request, response):
    state, slots = gateway.upgrade, gateway.platform.slots
    response.put(b"{")
    await put_items(response, _items(gateway, state, slots))
    response.put(b',"last":')
    last = slots and _trial(gateway).outcome(gateway)
    if last:
        await room(response)
        response.put(b"{")
        await put_items(response, [(key, last[key]) for key in ("from", "to", "ok", "reason")])
        response.put(b',"time":')
        response.put_json(gateway.clock.local_text(last["time"]) if last["time"] else "")
        response.put(b"}}")
    else:
        response.put(b"null}")


def _items(gateway, state, slots):
    yield "possible", slots is not None
    yield "running", VERSION
    yield "on_trial", gateway.on_trial
    for name in ("phase", "done", "total", "version", "cause", "sentence", "latest", "trouble"):
        yield name, getattr(state, name)
    yield "percent", state.percent


async def post(gateway, request, response, body):
    """Take {"url", "certificate"}, a name of the store; without a URL the newest version of latest.json is installed."""
    url, certificate = body.get("url", ""), body.get("certificate", "")
    for name, value, most in (("url", url, _LONGEST), ("certificate", certificate, 32)):
        if not isinstance(value, str) or len(value) > most:
            return await put_errors(response, {name: f"a text of {most} characters is expected"})
    start(gateway, url, certificate)
    response.status = 202
    response.put(b"{}")
    return None


async def check(gateway, request, response, body):
    """Look into latest.json and answer when it is known what is in there."""
    _look_for_one(gateway, "")
    state = gateway.upgrade
    state.task = asyncio.current_task()
    try:
        await _look_up(gateway)
    finally:
        state.task = None
    await get(gateway, request, response)


async def cancel(gateway, request, response, body):
    state = gateway.upgrade
    if not state.task or not state.is_busy or state.phase == "restarting":
        raise HttpError(409, "no upgrade runs that could be cancelled")
    state.task.cancel()  # which it may never hear of, if it has not begun yet
    _module(gateway, "install").failed(gateway, None)
    response.status = 202
    response.put(b"{}")


def start(gateway, url="", certificate=""):
    """Begin an upgrade from a URL, or to the newest version of latest.json. Raises HttpError 409."""
    _look_for_one(gateway, "connecting")
    gateway.upgrade.task = asyncio.create_task(_run(gateway, url, certificate))


def begin_upload(gateway):
    """The same for a file that comes in this task. Return the module upgrade_install."""
    _look_for_one(gateway, "uploading")
    gateway.upgrade.task = asyncio.current_task()
    return _module(gateway, "install")


def look(gateway):
    """What is due: go on with an upgrade that a restart broke off, or look for a new version."""
    state, settings = gateway.upgrade, gateway.settings
    state.due_s = gateway.clock.uptime_s() + _DAY_S
    slots = gateway.platform.slots
    if slots is None or state.is_busy or state.task:
        return
    if not state.has_looked:
        state.has_looked = True
        last = _trial(gateway).outcome(gateway)
        if last and not last["ok"]:
            state.tell("failed", "trial", f"version {last['to']} was taken back: {last['reason']}")
    if slots.is_on_trial:  # the other slot has what comes back if it fails
        state.due_s = gateway.clock.uptime_s() + _TRIAL_S
        return
    note = gateway.document(gateway.platform.root + "/upgrade.json")
    noted = note.load()
    if noted and noted.get("from") != VERSION:  # it was done, but for this
        note.remove()
    elif noted:
        state.begin("connecting")
        state.task = asyncio.create_task(_run(gateway, noted["url"], noted["certificate"], noted["announced"], noted))
    elif settings.get("upgrade_auto") != _OFF and settings.get("upgrade_url"):
        state.task = asyncio.create_task(_check(gateway))


def _look_for_one(gateway, phase):
    """Refuse what cannot be done now."""
    state = gateway.upgrade
    if gateway.platform.slots is None:
        raise HttpError(409, "this build has no second place for a version: it is upgraded by cable (docs/boards.md)")
    if state.is_busy:
        raise HttpError(409, "an upgrade" + (f" to {state.version}" if state.version else "") + " is running already")
    if state.task:
        raise HttpError(409, "a look for a new version is under way")
    if phase:
        if gateway.platform.slots.is_on_trial:  # the other slot has what comes back if it fails
            raise HttpError(409, "the running version is on trial: a few minutes, and it is known whether it stays")
        state.begin(phase)


async def _check(gateway):
    state = gateway.upgrade
    try:
        found = await _look_up(gateway)
    except Exception as error:
        gateway.crashed("upgrade", error)
        found = None
    finally:
        state.task = None
    if found:
        state.begin("connecting")
        certificate = gateway.settings.get("upgrade_certificate")
        state.task = asyncio.create_task(_run(gateway, found[0], certificate, found[1]))


async def _look_up(gateway):
    """Look into latest.json: see upgrade_check.py."""
    await _make_room(gateway, gateway.settings.get("upgrade_certificate"))
    try:
        return await _module(gateway, "check").run(gateway, False)
    finally:
        if gateway.push:
            gateway.push.resume()


async def _make_room(gateway, certificate):
    """There is no memory for the TLS of a link beside that of an upgrade: such links wait until gateway.push.resume()."""
    try:
        if certificate and gateway.push:
            await gateway.push.pause()
            await asyncio.sleep_ms(_ANSWERED_MS)
        gateway.router.make_room()
    except MemoryError:
        pass  # then with the room that there is


async def _run(gateway, url, certificate, announced="", noted=None):
    """An upgrade to its end: see upgrade_fetch.py. Without a URL, of what latest.json has."""
    if not url:
        certificate = gateway.settings.get("upgrade_certificate")
    await _make_room(gateway, certificate)
    install = _module(gateway, "install")
    try:
        if not url:
            url, announced = await _module(gateway, "check").run(gateway, True)
        await _module(gateway, "fetch").Fetch(gateway, url, certificate, announced).run(noted)
    except Exception as error:
        return install.failed(gateway, error)
    gateway.upgrade.task = None
    gateway.restart()
    return None


def _module(gateway, name):
    __import__("lib.aio.connect")  # to stay: links may begin to use it meanwhile, and its exceptions are classes
    return gateway.router.module("firmware.services.upgrade_" + name)


def _trial(gateway):
    return gateway.router.module("firmware.services.upgrade_trial")
