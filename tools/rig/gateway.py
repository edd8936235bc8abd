"""The gateway as a process: started and spoken to over a socket pair, started again after a reset.

The rig is its reset button, its mains plug and its external watchdog.
"""

import os
import signal
import socket
import subprocess
import time

from tools.rig.link import JsonLines
from tools.rig.linux import die_with_parent

POWER_CUT = 42  # exit status: died at the asked flash operation
RESET = 3  # exit status: machine.reset()
WATCHDOG_S = 30.0


class Gateway:
    """All methods belong to the main thread: the child dies with the thread that started it."""

    def __init__(self, command, log, watchdog_s=WATCHDOG_S):
        """`command` is a list, to which the number of the link's descriptor is added. `log` is a path."""
        self._command, self._log = command, log
        self._watchdog_s = watchdog_s
        self._process: subprocess.Popen[bytes] | None = None
        self._fed_at = 0.0
        self.link: JsonLines | None = None

    @property
    def pid(self):
        return self._process.pid if self._process else None

    def start(self, argument):
        """Start it; `argument` describes the start to the gateway: the first line on the link."""
        ours, theirs = socket.socketpair()
        with open(self._log, "ab") as log:
            self._process = subprocess.Popen(
                [*self._command, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
                preexec_fn=die_with_parent,  # noqa: PLW1509
            )
        theirs.close()
        self.link = JsonLines(ours)
        self.link.send(argument)
        self._fed_at = time.monotonic()  # it runs before the application is there

    def fed(self):
        self._fed_at = time.monotonic()

    def starving_in_s(self):
        """Seconds until the watchdog bites."""
        return self._fed_at + self._watchdog_s - time.monotonic()

    def kill(self):
        """Take its power away and wait until it is gone; one that never started is gone already."""
        if self._process is None:
            return 0
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        return self.ended()

    def ended(self):
        """Its exit status, after the link has closed; one that lingers is helped along."""
        assert self._process and self.link
        try:
            status = self._process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            status = self._process.wait()
        self.link.close()
        return status

    def note(self, text):
        """Write a line of the rig's own into the log."""
        with open(self._log, "a") as log:
            log.write(f"rig: {text}\n")

    def log_tail(self, lines=20):
        try:
            with open(self._log, errors="replace") as log:
                return "".join(log.readlines()[-lines:])
        except OSError:
            return ""
