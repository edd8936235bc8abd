"""The archive of DLMS meters on an SD card: a file of the rig."""

from host_tests.gateway import api, eventually, gateway

SETTINGS = {"left_ir_enabled": 0, "ir_ext_rel_mode": 0, "rs485_type_1": 0, "rs485_type_2": 0, "rs485_protocol": 5}
SETTINGS |= {"dlms_profile_days": 1, "dlms_present_min": 1}
METER = {"family": "DLMS", "port": "rs485", "serial": "87654321", "address": 17, "clients": {"48": 0}}
NAME = b"0000001"  # of the first segment of load profiles, in littlefs


def add(rig):
    plan = {"serial": METER["serial"], "physical": METER["address"], "client": 48, "shown": 1}
    assert api(rig, "/api/dlms_meters", plan)[0] in (200, 201)


def good(rig):
    return api(rig, "/api/dlms_meters")[1]["meters"][0]["good_utc"]


def test_a_blank_card_has_the_archive_and_may_be_pulled_out(tmp_path):
    card, chip = tmp_path / "card", tmp_path / "chip"
    with gateway(meters=[METER], settings=SETTINGS, sd=card, flash=chip) as rig:
        add(rig)
        before = eventually(lambda: good(rig), "it is not read")
        assert NAME in card.read_bytes() and NAME not in chip.read_bytes()
        card.rename(tmp_path / "pulled")
        rig.control("clock", unix=before + 7200)
        eventually(lambda: good(rig) > before + 7000, "readings ended", 150)
        assert rig.log().count("what DLMS meters tell is not kept") == 1 and "port error" not in rig.log()


def test_a_card_with_other_data_is_left_alone(tmp_path):
    card, chip = tmp_path / "card", tmp_path / "chip"
    content = bytes(510) + b"\x55\xaa" + bytes(1 << 20)
    card.write_bytes(content)
    with gateway(meters=[METER], settings=SETTINGS, sd=card, flash=chip) as rig:
        add(rig)
        eventually(lambda: good(rig), "it is not read")
        assert "archive: the SD card has other data: erase it to use it" in rig.log()
        assert card.read_bytes() == content and NAME in chip.read_bytes()
