"""POST /api/upgrade/image: the file of an image as the body, taken block by block as the flash takes it."""

import asyncio
from time import ticks_diff, ticks_ms

from micropython import const

from lib.http.errors import HttpError

_PART_MS = const(30000)  # for 4 KB
_RESTART_MS = const(500)  # so that the answer is out


async def post(gateway, request, response):
    """Answer 202 with the version when it is there and checked, and restart; 422 with what is wrong, 409 while another runs."""
    size = request.content_length
    if not size:
        raise HttpError(400, "the file of an image is expected as the body")
    load = gateway.router.module
    upgrade_install = load("firmware.services.upgrade").begin_upload(gateway)
    state = gateway.upgrade
    try:
        install = upgrade_install.Install(gateway)
        receiver = install.receiver
        while not receiver.is_complete:
            count = await _fill(request, receiver.room())
            await install.filled(count)
            if receiver.header:
                upgrade_install.accept(receiver.header, size)
            if not count:
                break
        await install.finish()
    except asyncio.CancelledError:
        if state.task:  # the server ends
            upgrade_install.failed(gateway, None)
        raise
    except Exception as error:
        upgrade_install.failed(gateway, error)
        raise HttpError(507 if state.cause == "flash" else 422, state.sentence)
    state.task = None
    asyncio.create_task(_restart(gateway))
    response.status = 202
    response.put(b'{"version":')
    response.put_json(state.version)
    response.put(b"}")


async def _restart(gateway):
    await asyncio.sleep_ms(_RESTART_MS)
    gateway.restart()


async def _fill(request, view):
    """Fill a view with what the browser sends; return the count, less than its length at the end of the file only."""
    used, since = 0, ticks_ms()
    while used < len(view):
        try:
            count = await request.body_into(view[used:])
        except OSError:
            raise HttpError(400, "the upload was broken off")
        if not count:
            break
        used += count
        if ticks_diff(ticks_ms(), since) > _PART_MS:
            raise HttpError(408, "the upload is too slow")
        await asyncio.sleep_ms(0)
    return used
