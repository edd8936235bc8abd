"""The gateway as a board that lacks parts: it shows what that board has and no more, whatever its flash remembers."""

import pytest

from host_tests.gateway import api, change, command, gateway
from tools import parts

OF_IEC_BOARDS = ("/api/tunnel", "/api/iec_meters", "/api/profile", "/api/demand")
ELSEWHERE = {"tunnel_idle_s": 60, "demand_period": 15, "rs485_protocol": 3, "description": "moved"}


def names(board):
    """The settings of a board, with their numbers filled in."""
    return {
        row.split("|")[0].replace("#", str(number))
        for _, rows, count in parts.settings(board)
        for row in rows.strip().split("\n")
        for number in range(1, (count or 1) + 1)
    }


@pytest.mark.parametrize(("board", "has_iec"), [("SG_W1", False), ("HT_E22", True), ("ES_951", True)])
def test_a_board_shows_what_it_has(board, has_iec):
    with gateway(64, meters=[], board=board) as rig:
        _, answer = api(rig, "/api/settings")
        assert set(answer["values"]) == names(board)
        assert ("Transparent port" in [page["page"] for page in answer["pages"]]) == has_iec
        for path in OF_IEC_BOARDS:
            assert api(rig, path)[0] == (200 if has_iec else 404), path
        script = rig.get("/app.js", {"Accept-Encoding": "gzip"})
        assert script[0] == 200 and command(rig, "get_status")["model_type"] == board.replace("_", "-")
        assert rig.get("/lib/profile.js", {"Accept-Encoding": "gzip"})[0] == (200 if has_iec else 404)
        assert not [event for event in api(rig, "/api/events")[1]["events"] if event["kind"] in ("task", "settings")]


def test_the_concentrator_has_its_flash(tmp_path):
    flash = tmp_path / "flash.bin"
    with gateway(64, meters=[], board="ES_951", flash=flash) as rig:
        assert flash.stat().st_size == 16 << 20
        assert command(rig, "get_status")["flash_size"] == 16 and api(rig, "/api/users")[0] == 200
        change(rig, description="kept")
        rig.control("reset")
        assert api(rig, "/api/settings")[1]["values"]["description"] == "kept"
        assert not [event for event in api(rig, "/api/events")[1]["events"] if event["kind"] == "task"]


def test_settings_of_another_board_are_told_and_left_out(tmp_path):
    flash = tmp_path / "flash.bin"
    with gateway(64, meters=[], board="HT_E22", flash=flash) as rig:
        change(rig, **ELSEWHERE)
    with gateway(64, meters=[], board="SG_W1", flash=flash) as rig:
        texts = [event["text"] for event in api(rig, "/api/events")[1]["events"] if event["kind"] == "settings"]
        assert {"tunnel_idle_s: unknown setting", "demand_period: unknown setting"} <= set(texts)
        assert any(text.startswith("rs485_protocol: one of 0 (Off)") for text in texts), texts
        values = api(rig, "/api/settings")[1]["values"]
        assert (values["description"], values["rs485_protocol"]) == ("moved", 1) and set(values) == names("SG_W1")
        change(rig, location="here")
    with gateway(64, meters=[], board="SG_W1", flash=flash) as rig:
        assert api(rig, "/api/settings")[1]["values"]["location"] == "here"
        assert not [event for event in api(rig, "/api/events")[1]["events"] if event["kind"] == "settings"], "told once"
