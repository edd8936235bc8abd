"""Records of a meter as a message of a link, {...,"columns":[..],"records":[..]}: of load profiles and of the archive.

Records are text before the message is made, in firmware/services/pieces.py's Pieces, for that tells how many it has room for.
"""

from json import dumps

from firmware.services import pieces, sg_text
from firmware.services.profile_text import MOMENT


def put(text, record):
    """Append a record, as firmware/services/profile_text.py tells: [UTC, status, value of each column]. ValueError: no room."""
    time, status, values = record
    text.put(b",[" if text.used else b"[")
    text.put_int(time)
    text.put(b",")
    text.put(b"null" if status is None else str(status))
    for value in values:
        text.put(b",")
        if value is None:
            text.put(b"null")
        elif value[1] == MOMENT:
            text.put_int(value[0])
        else:
            sg_text.put_exact(text, value[0], value[1])
    text.put(b"]")


def renderer(items, columns, text, end):
    """Return render(out) of {items...,"columns":[..],"records":[..]}; the records are the text up to `end`.

    items: (key, text or number) pairs; columns: (code, unit) each.
    """

    def render(out):
        comma = b"{"
        for key, value in items:
            out.put(comma)
            out.put_json(key)
            out.put(b":")
            out.put(dumps(value))
            comma = b","
        out.put(b',"columns":[')
        comma = b'{"code":'
        for code, unit in columns:
            out.put(comma)
            comma = b',{"code":'
            out.put_json(code)
            out.put(b',"unit":')
            out.put_json(unit)
            out.put(b"}")
            yield
        out.put(b'],"records":[')
        records = text.view()
        yield
        for at in range(0, end, pieces.PART):
            out.put(records[at : min(at + pieces.PART, end)])
            yield
        out.put(b"]}")
        yield

    return render
