"""Rows of comma-separated values (RFC 4180), with semicolons or tabs as well; a cell has no line break in it."""

_SEPARATORS = ";\t,"


def separator(header):
    """Return what stands between the cells of a header line: what is found first of semicolon, tab and comma."""
    for sign in _SEPARATORS:
        if sign in header:
            return sign
    return ","


def cells(line, sign):
    """Return the cells of a line as a list of texts, without blanks around them. ValueError: a quote that does not end."""
    found, at = [], 0
    while True:
        if line[at:].lstrip(" ").startswith('"'):
            at = line.find('"', at) + 1
            text = ""
            while True:
                end = line.find('"', at)
                if end < 0:
                    raise ValueError("a quote does not end")
                text += line[at:end]
                at = end + 1
                if line[at : at + 1] != '"':
                    break
                text += '"'
                at += 1
            end = line.find(sign, at)
            if line[at : end if end >= 0 else len(line)].strip():
                raise ValueError("something stands behind a quote")
        else:
            end = line.find(sign, at)
            text = line[at : end if end >= 0 else len(line)]
        found.append(text.strip())
        if end < 0:
            return found
        at = end + 1


def quoted(text, sign):
    """Return a text as a cell."""
    if sign in text or '"' in text:
        return '"' + text.replace('"', '""') + '"'
    return text
