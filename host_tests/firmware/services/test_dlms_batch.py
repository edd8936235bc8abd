"""A list of DLMS meters in pieces of any size, as messages bring it."""

from firmware.services.dlms_batch import begin, take_lines
from firmware.state.dlms_meters import Meters
from firmware.state.dlms_plan import Plan
from host_tests.fakes.ram_flash import FOLDER, mounted
from lib.http.errors import HttpError


class Gateway:
    def __init__(self):
        mounted()
        self.changed = []
        self.events = self
        self.told = []
        self.dlms_meters = Meters(FOLDER, self.told.append)
        self.dlms_meters.on_change = self.changed.append
        for _ in self.dlms_meters.load():
            pass

    def add(self, kind, text):
        self.told.append(text)

    def serials(self):
        return [Plan(line).serial for line in self.dlms_meters.lines() if line]


TABLE = b'serial,name,physical\r\n1001,"Hall, west",17\r\n\r\n1002,Y\xc3\xbcksel,18\r\n1002,twice,19\r\n1003,,20'


async def taken(gateway, content, size):
    for at in range(0, len(content), size):
        await take_lines(gateway, content[at : at + size])
    return await take_lines(gateway, b"")


async def test_pieces_of_any_size():
    for size in (1, 2, 7, 64, 512):
        gateway = Gateway()
        upload = await taken(gateway, TABLE, size)
        assert (upload.lines, upload.added, upload.changed, upload.refusals) == (6, 3, 0, 1)
        assert upload.refused == [(5, "serial: this meter is in the list already")]
        assert gateway.serials() == ["1001", "1002", "1003"] and gateway.changed == [1, 2, 3]
        assert Plan(gateway.dlms_meters.find(1)).name == "Hall, west" and Plan(gateway.dlms_meters.find(2)).name == "Yüksel"
        assert upload.is_over and not gateway.dlms_meters.is_busy
        assert "3 added" in gateway.told[-1]
        upload = await taken(gateway, b'{"serial":"1003","client":48}\n{"serial":"1004","physical":21}\n', size)
        assert (upload.added, upload.changed) == (1, 1) and Plan(gateway.dlms_meters.find(3)).client == 48


async def test_a_list_that_ends_in_nonsense_frees_the_way():
    gateway = Gateway()
    try:
        await take_lines(gateway, b"what is this\n")
        raise AssertionError
    except HttpError as error:
        assert error.status == 422
    assert not gateway.dlms_meters.is_busy and gateway.dlms_meters.upload.is_over
    assert (await taken(gateway, TABLE, 64)).added == 3


async def test_a_list_that_nobody_ends_is_given_up():
    gateway = Gateway()
    await take_lines(gateway, TABLE[:70])
    first = gateway.dlms_meters.upload
    assert gateway.dlms_meters.is_coming()
    first.since -= 61000
    assert not gateway.dlms_meters.is_coming()
    second = await begin(gateway)
    assert first.is_over and first.added == 2 and "nothing more" in first.cause
    await second.take(TABLE)
    await second.finish()
    assert (second.added, second.changed) == (1, 2)
    assert not gateway.dlms_meters.is_coming()
    assert (gateway.dlms_meters.upload.added, gateway.dlms_meters.upload.cause) == (1, "")


async def test_two_lists_at_once_are_refused():
    gateway = Gateway()
    await take_lines(gateway, TABLE[:70])
    try:
        await begin(gateway)
        raise AssertionError
    except HttpError as error:
        assert error.status == 409
    assert (await take_lines(gateway, b"")).added == 2
