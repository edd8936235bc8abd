"""What was announced to Home Assistant on a link, kept on flash, so that what has left can be taken back.

A broker keeps discovery messages for ever: a meter that was taken out would come back with each restart of it. The file has
{"1": {topic: slot, ...}, "2": ...}, the slot "" for the gateway. Whoever announces calls begin(), sends an empty retained
message to each topic it returns and the messages of firmware/services/hass.py, and calls end().
"""

from firmware.services import push_topics as topics
from firmware.state.readings import NOT_DETECTED


def begin(gateway, link, announced):
    """Note `announced`, the pairs (topic, slot) that are about to be sent; return the topics that are to be emptied.

    Raises OSError if the flash does not take the note: then nothing may be announced.
    """
    now = {topic: _name(slot) for topic, slot in announced}
    document, kept = _load(gateway)
    before = kept.get(str(link)) or {}
    gone = [topic for topic, slot in before.items() if topic not in now and not _may_return(gateway, link, topic, slot, now)]
    _save(document, kept, link, dict(before, **now))
    return gone


def end(gateway, link, gone):
    """The broker has taken the empty messages: forget those topics."""
    if gone:
        document, kept = _load(gateway)
        _save(document, kept, link, {topic: slot for topic, slot in (kept.get(str(link)) or {}).items() if topic not in gone})


def _may_return(gateway, link, topic, slot, now):
    """Whether a meter was only not heard of since the start: its slot is still there, and no other has answered in it."""
    if not now or not topic.startswith(gateway.settings.get(f"hass{link}_prefix") + "/") or slot in now.values():
        return False
    for device in gateway.readings.devices:
        if _name(device.slot) == slot:
            return (
                not device.is_switch and device.status == NOT_DETECTED and topics.is_pushed(gateway.settings, device.slot, link)
            )
    return False


def _name(slot):
    return "" if slot is None else str(slot)


def _load(gateway):
    document = gateway.router.module("lib.store.document").Document(gateway.platform.root + "/hass.json")
    kept = document.load()
    return document, kept if isinstance(kept, dict) else {}


def _save(document, kept, link, topics_now):
    if kept.get(str(link)) != topics_now:
        kept[str(link)] = topics_now
        document.save(kept)
