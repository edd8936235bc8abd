"""The two errors of the HTTP server: what the client did wrong, and what we did wrong."""


class HttpError(Exception):
    """Ends a request with this status and {"error": message}, if nothing of the answer was sent yet.

    message: one clear sentence for the client, cut after 200 characters. name and value: one header the
    status asks for (Allow with 405, WWW-Authenticate with 401, Retry-After with 503), or None.
    """

    def __init__(self, status, message, name=None, value=None):
        super().__init__(message)
        self.status = status
        self.message = message
        self.name = name
        self.value = value


class LocalError(Exception):
    """A handler asked for nonsense (more than the buffer holds, a line break in a header): a bug of ours.

    Ends the request with 500 and is told to the server's on_error.
    """
