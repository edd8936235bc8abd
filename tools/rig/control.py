"""A channel such as the control channel: JSON lines over TCP on 127.0.0.1, one answer per request."""

import contextlib
import json
import socketserver
import threading

_LONGEST = 1 << 20
_MOMENT_S = 1.0


class Control:
    def __init__(self, operate, welcome=None):
        """`operate(request)` returns the answer as a dict; it is called from one thread per connection.

        `welcome()`, if any, is called for each connection: (what operate() is to get besides, what is called at its end).
        """
        self._server = _Server(operate, welcome)
        self.address = list(self._server.server_address)
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()

    def close(self):
        """Stop; requests that are being answered get a moment to finish."""
        with self._server.changed:
            self._server.changed.wait_for(lambda: not self._server.busy, _MOMENT_S)
        self._server.shutdown()
        self._server.server_close()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, operate, welcome):
        super().__init__(("127.0.0.1", 0), _Connection)
        self.operate = operate
        self.welcome = welcome
        self.busy = 0  # requests that are being answered
        self.changed = threading.Condition()

    @contextlib.contextmanager
    def answering(self):
        with self.changed:
            self.busy += 1
        try:
            yield
        finally:
            with self.changed:
                self.busy -= 1
                self.changed.notify_all()


class _Connection(socketserver.StreamRequestHandler):
    server: _Server
    disable_nagle_algorithm = True

    def handle(self):
        who, end = ((), None) if self.server.welcome is None else self.server.welcome()
        try:
            while line := self.rfile.readline(_LONGEST):
                with self.server.answering():
                    self.wfile.write(json.dumps(self._answer(line, who)).encode() + b"\n")
        except OSError:
            pass  # the other end went away
        finally:
            if end:
                end()

    def _answer(self, line, who):
        try:
            request = json.loads(line)
        except ValueError:
            return {"error": "this is not JSON"}
        if not isinstance(request, dict):
            return {"error": 'a request is an object with "op"'}
        return self.server.operate(request, *who)
