"""What several files here need."""

from typing import Any

import pytest

from host_tests.dlms_clients import NOON
from tools.rig import field
from tools.rig.world import World


@pytest.fixture
def dlms_field(tmp_path):
    """dlms_field(*entries, fast=...) -> Field, whose clock stands still until `.now` is moved."""
    fields = []

    def make(*entries, fast=True, **options):
        now = [0.0]
        world = World(NOON, 1.0, lambda: now[0])
        made: Any = field.Field([{"family": "DLMS", **entry} for entry in entries], tmp_path, world, fast, **options)
        made.now = now
        fields.append(made)
        return made

    yield make
    for made in fields:
        made.close()
