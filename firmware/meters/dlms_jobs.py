"""Switches the disconnector of a DLMS meter, once and with read-back, and does what else somebody wants of a meter at once.

Each is what DlmsReader.ask() wants: work(session, plan), to be called in an open session.
Source: DLMS UA 1000-1 (Blue Book), 4.5.8 (disconnect control).
"""

from micropython import const

from firmware.meters import dlms_types as types
from firmware.meters.dlms_clock import MeterClock
from firmware.meters.dlms_round import PRESENT, Round
from firmware.meters.dlms_small import Small, value_of, values_of
from lib.dlms import axdr
from lib.dlms.errors import PeerError

_CLASS = const(70)
_OFF = const(1)  # methods
_ON = const(2)
_CLOCK = const(8)


def relay(kept, is_on, who="somebody"):
    """Return the work of switching a relay on or off, None: to look only. Its result: {"output", "control", "mode"}.

    who: on whose behalf, for the event.
    output: whether it is on; control: 0 off, 1 on, 2 ready for the button; mode: 0 to 6. What a meter does not tell is None.
    PeerError: the list, or the authentication, does not allow it; or what the meter says.
    """

    async def work(session, plan):
        ln = types.find(plan.type).relay
        if is_on is not None:
            if not plan.relay or not plan.security:
                raise PeerError("not allowed to switch")
            await session.action(_CLASS, ln, _ON if is_on else _OFF, b"\x0f\x00")
        output, control, mode = await values_of(session, [(_CLASS, ln, 2), (_CLASS, ln, 3), (_CLASS, ln, 4)])
        if is_on is not None:
            told = f"output {output}, control {control}, mode {mode}"
            kept.events.add("relay", f"DLMS {plan.serial}: switched {'on' if is_on else 'off'} by {who}, {told}")
        state = kept.meters.state(plan.id)
        state.output, state.control, state.mode = output, control, mode
        kept.meters.save_state(plan.id, state)
        return {"output": output, "control": control, "mode": mode}

    return work


def present(kept):
    """Return the work of reading the present values; result: (UTC, columns with exponent and unit, value of each)."""

    async def work(session, plan):
        return await Round(kept, plan, PRESENT).present(session)

    return work


def clock(kept, is_set):
    """Return the work of reading a clock, or of setting it whatever it says; result: {"utc", "drift_s"}, None: not known."""

    async def work(session, plan):
        table = types.find(plan.type)
        state = kept.meters.state(plan.id)
        told = await value_of(session, _CLOCK, table.clock, 2)
        meter_clock = MeterClock(kept, plan, table, told, state)
        if is_set:
            if not kept.clock.is_set:
                raise PeerError("our clock is not set")
            was_s = state.drift_s
            await meter_clock.set(session)
            state.clock_set = True
            told = await value_of(session, _CLOCK, table.clock, 2)
            meter_clock = MeterClock(kept, plan, table, told, state)
            kept.event(plan, f"clock set by command, it was {was_s} s ahead")
        kept.meters.save_state(plan.id, state)
        return {"utc": meter_clock.utc, "drift_s": state.drift_s}

    return work


def read(class_id, ln, attribute, selector=None, is_raw=False):
    """Return the work of reading an attribute; its result is the value as lib/dlms/axdr.whole() makes it, or the octets."""

    async def work(session, plan):
        small = Small()
        await session.get(class_id, ln, attribute, small.take, selector)
        return bytes(small.octets) if is_raw else axdr.whole(small.octets)

    return work
