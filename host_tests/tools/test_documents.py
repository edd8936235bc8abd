"""The documents that are made from code are the code's."""

from tools import modbus_map_doc, settings_doc


def test_settings_document_is_up_to_date():
    assert settings_doc.TARGET.read_text() == settings_doc.text(), "run: python -m tools.settings_doc"


def test_modbus_map_is_up_to_date():
    assert modbus_map_doc.TARGET.read_text() == modbus_map_doc.text(), "run: python -m tools.modbus_map_doc"
