"""The documents that are made from code are the code's, and those that explain it leave nothing out."""

import re

from tools import modbus_map_doc, settings_doc
from tools.image import TOP


def test_settings_document_is_up_to_date():
    assert settings_doc.TARGET.read_text() == settings_doc.text(), "run: python -m tools.settings_doc"


def test_modbus_map_is_up_to_date():
    assert modbus_map_doc.TARGET.read_text() == modbus_map_doc.text(), "run: python -m tools.modbus_map_doc"


def test_whatever_keeps_a_link_from_connecting_is_explained():
    source = (TOP / "firmware" / "services" / "push_connect.py").read_text()
    words = re.findall(r'^    "(\w+)": "', source, re.MULTILINE)
    section = (TOP / "docs" / "mqtt.md").read_text().split("## When it does not connect\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| .+ \| (\w+) \| .+ \|$", section, re.MULTILINE)
    assert len(words) > 15 and rows[1:] == words
