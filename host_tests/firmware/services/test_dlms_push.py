"""The archive of DLMS meters on its way to a link: all of it at least once, whatever comes in between; constant RAM."""

import json
from array import array

from firmware.services import dlms_push
from firmware.services.dlms_push import Feed
from firmware.state.dlms_unsent import Unsent
from host_tests.firmware.services.test_dlms_archive import EXPORT, IMPORT, WH, Gateway, Q, T, register
from lib.store.archive import DAILY, PROFILE
from lib.store.document import Document

COLUMNS = (register(IMPORT, -1, WH), register(EXPORT, 0, WH))
PATH = "/ram/archive_unsent.json"


class Link:
    number = 1


class Out:
    def __init__(self):
        self.text = b""

    def put(self, data):
        self.text += data.encode() if isinstance(data, str) else bytes(data)

    def put_json(self, text):
        self.put(json.dumps(text))


def sender(gateway, link=Link):
    """A Feed that begins with what is on flash."""
    gateway.dlms = gateway
    unsent = Unsent(Document(PATH))
    gateway.track = lambda: unsent
    gateway.unsent = unsent
    gateway.archive.floor = unsent.floor
    dlms_push._LOOK_MS = 0
    return Feed(gateway, link, None)


async def taken(feed, most=10000):
    """Messages as a link that all arrives at gets them: [(topic, message)]."""
    messages = []
    while len(messages) < most:
        found = await feed.next()
        feed._looked_ms = None
        if found is None:
            break
        out = Out()
        for _ in found[1](out):
            pass
        feed.arrived()
        messages.append((found[0], json.loads(out.text)))
    return messages


def rows_of(messages, kind="profile"):
    return [(one["id"], record[0], record[2]) for _, one in messages if one["kind"] == kind for record in one["records"]]


def profile(meter, first, count):
    return [(T + n * Q, n, [10 * meter + n, None]) for n in range(first, first + count)]


async def test_all_kinds_come_once_in_their_order():
    gateway = Gateway(3)
    for start in (0, 50):
        for meter in (1, 2, 3):
            gateway.put(meter, PROFILE, COLUMNS, profile(meter, start, 50))
    gateway.put(2, DAILY, COLUMNS[:1], [(T, None, [5])])
    list(gateway.archive.log(3, 4, [(T, 43, "")]))
    feed = sender(gateway)
    messages = await taken(feed)
    topic, first = messages[0]
    assert topic == "archive/A0000001/profile" and (first["key"], first["id"], first["kind"]) == ("A0000001", 1, "profile")
    assert first["columns"][0] == {"code": "1.0.1.8.0.255", "unit": "Wh"} and first["records"][0] == [T, 0, 1.0, None]
    rows = rows_of(messages)
    assert rows == [(m, T + n * Q, (10 * m + n) / 10) for start in (0, 50) for m in (1, 2, 3) for n in range(start, start + 50)]
    assert rows_of(messages, "daily") == [(2, T, 0.5)]
    (events,) = [one for topic, one in messages if topic == "archive/A0000003/events"]
    assert events["records"] == [[T, None, 4, 43]]
    assert await taken(feed) == []
    gateway.put(1, PROFILE, COLUMNS, profile(1, -3, 2))  # a hole that was filled
    assert [row[1] for row in rows_of(await taken(feed))] == [T - 3 * Q, T - 2 * Q]


async def test_what_did_not_arrive_comes_again():
    gateway = Gateway(1)
    gateway.put(1, PROFILE, COLUMNS, profile(1, 0, 120))
    feed = sender(gateway)
    found = await feed.next()
    assert found and (await feed.next())[0] == found[0]
    messages = await taken(feed)
    assert len(messages) > 1 and [row[1] for row in rows_of(messages)] == [T + n * Q for n in range(120)]


async def test_after_a_start_it_goes_on_where_it_was_written():
    gateway = Gateway(2)
    for n in range(200):
        gateway.put(1 + n % 2, PROFILE, COLUMNS, profile(1, n, 1))
    feed = sender(gateway)
    sent = rows_of(await taken(feed, 100))
    assert len(sent) == 100
    gateway.track().save()
    more = rows_of(await taken(feed, 10))
    again = rows_of(await taken(sender(gateway)))
    assert again[:10] == more and sent + again == [(1 + n % 2, T + n * Q, (10 + n) / 10) for n in range(200)]
    assert await taken(sender(gateway)) != [], "nothing was written since"
    gateway.unsent.save()
    assert await taken(sender(gateway)) == []


async def test_a_damaged_note_is_none():
    for content in (None, [], [[[0, 0]] * 6], [[[0, "x"]] * 6, [[0, -1]] * 6], {"a": 1}):
        gateway = Gateway(1)
        gateway.put(1, PROFILE, COLUMNS, profile(1, 0, 5))
        if content is not None:
            Document(PATH).save(content)
        assert len(rows_of(await taken(sender(gateway)))) == 5


async def test_what_is_merged_meanwhile_is_neither_lost_nor_told_twice():
    gateway = Gateway(2)
    count = 0
    while len(gateway.archive._segments.of(PROFILE, 0)) < 9:
        gateway.put(1 + count % 2, PROFILE, COLUMNS, profile(1, count, 1))
        count += 1
    feed = sender(gateway)
    times = array("I", (row[1] for row in rows_of(await taken(feed, count * 3 // 4))))
    floor = gateway.unsent.floor(PROFILE)
    assert floor
    for _ in gateway.archive.tidy():
        pass
    assert gateway.archive._segments.of(PROFILE, 1), "some was merged"
    times.extend(array("I", (row[1] for row in rows_of(await taken(feed)))))
    assert len(times) == count and all([time == T + n * Q for n, time in enumerate(times)])


async def test_meters_that_are_gone_are_passed_over():
    gateway = Gateway(3)
    for meter in (1, 2, 3):
        gateway.put(meter, PROFILE, COLUMNS, profile(meter, 0, 3))
    gateway.dlms_meters.remove(2)
    assert {row[0] for row in rows_of(await taken(sender(gateway)))} == {1, 3}
