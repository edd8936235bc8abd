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


SECURITY = TOP / "docs" / "security.md"


def test_every_provision_of_the_security_baseline_is_answered():
    provisions = {5: {1: 5, 2: 3, 3: 16, 4: 4, 5: 8, 6: 9, 7: 2, 8: 3, 9: 3, 10: 1, 11: 4, 12: 3, 13: 1}}  # EN 303 645 V2.1.1
    expected = {f"5.{clause}-{number + 1}" for clause, count in provisions[5].items() for number in range(count)}
    expected |= {f"6.{number}" for number in range(1, 6)}
    rows = [row for row in SECURITY.read_text().splitlines() if re.match(r"\| [56]\.\d", row)]
    answered = [name for row in rows for name in re.findall(r"\b(?:5\.\d+-\d+|6\.\d)(?= [MR]\b)", row.split("|")[1])]
    assert sorted(answered) == sorted(expected)
    assert {row.split("|")[3].strip() for row in rows} == {"yes", "partly", "no", "n/a", "maker"}


def test_every_test_that_the_security_table_names_is_there():
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", SECURITY.read_text())
    assert len(named) > 40
    missing = [
        f"{file}::{test}" for file, test in named if not re.search(rf"\bdef {test}\(", (TOP / "host_tests" / file).read_text())
    ]
    assert not missing


def test_what_the_security_page_calls_open_is_what_its_table_says():
    found = {"no": [], "partly": []}
    for row in SECURITY.read_text().splitlines():
        cells = [cell.strip() for cell in row.split("|")]
        if len(cells) > 4 and cells[3] in found:
            found[cells[3]] += re.findall(r"(\S+) M\b", cells[1])
    told = SECURITY.read_text().split("## What is open\n")[1]
    assert f"Not met and mandatory: {', '.join(found['no'])}." in told
    assert f"Partly met and mandatory: {', '.join(found['partly'])}." in told
