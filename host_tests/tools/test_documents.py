"""The documents that are made from code are the code's."""

from tools import settings_doc


def test_settings_document_is_up_to_date():
    assert settings_doc.TARGET.read_text() == settings_doc.text(), "run: python -m tools.settings_doc"
