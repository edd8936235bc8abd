"""How figures are printed: one table per question, every figure beside what it is compared with."""


class Table:
    """A title, named columns (the first is what the row is about), rows of text, and sentences below."""

    def __init__(self, title, *columns):
        self._title = title
        self._rows = [("", *columns)]
        self._notes = []

    def add(self, *cells):
        self._rows.append(cells)

    def note(self, sentence):
        self._notes.append(sentence)

    def text(self):
        count = max(len(row) for row in self._rows)
        rows = [(*row, *[""] * (count - len(row))) for row in self._rows]
        widths = [max(len(row[column]) for row in rows) for column in range(count)]
        lines = [self._title, "-" * max(len(line) for line in self._title.split("\n"))]
        for first, *others in rows:
            cells = [first.ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(others, widths[1:])]
            lines.append("  " + "   ".join(cells).rstrip())
        return "\n".join(lines + [f"  ({note})" for note in self._notes]) + "\n"


def us(value):
    """Microseconds with three digits that count."""
    return f"{value:.2f} us" if value < 10 else f"{value:.1f} us" if value < 100 else f"{value:.0f} us"


def times(value):
    return f"{value:.2f} x" if value < 10 else f"{value:.0f} x"


def percent(value):
    return f"{100 * value:.1f} %"


def kilobytes(value):
    return f"{value / 1024:.1f} KB"
