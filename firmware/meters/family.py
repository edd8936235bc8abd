"""What a meter family is: its tables and what its meters take in one request."""

from firmware.meters import layout
from firmware.meters.rows import CounterRows, ValueRows


class Family:
    """`values` and `counters`: the tables. `most_...`: registers per request, 0 for the meter's general limit.

    `may_have_blocks`: some of these meters have tariff time blocks.
    """

    may_have_blocks = False

    def __init__(self, phases, counters, has_intervals=True, most_counters=0, most_texts=0):
        self.values = ValueRows(layout.SINGLE_PHASE if phases == 1 else layout.THREE_PHASES)
        self.counters = CounterRows(counters)
        self.phases = phases
        self.has_intervals = has_intervals
        self.most_counters = most_counters
        self.most_texts = most_texts
