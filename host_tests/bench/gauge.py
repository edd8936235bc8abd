"""How much the machine itself disturbs: how late a thread wakes that only sleeps, while something is measured."""

import threading
import time

_NAP_S = 0.005


class Gauge:
    """In a `with` block; `worst_ms` is then how late a sleep ended at worst: other latencies measured there hold it too."""

    def __init__(self):
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.worst_ms = 0.0

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exc):
        self._over.set()
        self._thread.join()

    def _run(self):
        while not self._over.is_set():
            began = time.perf_counter()
            time.sleep(_NAP_S)
            self.worst_ms = max(self.worst_ms, (time.perf_counter() - began - _NAP_S) * 1000)
