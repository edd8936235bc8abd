"""The folder of stored load profiles (lib/store/profile.py): which meters it has files of, and what goes when it is full."""

import os

from micropython import const

from lib.store.profile_files import Meter

_OLDEST_S = const(186 * 86400)  # what is so much older than the newest goes anyway
_SHARE = const((4, 9))  # of the flash that profiles may fill
_LOG = const(".log")


class Folder:
    """`meters`: name in file names -> its Meters, that of the present period first. `logs`: names that have a log of events."""

    def __init__(self, path):
        self._path = path
        self.meters = {}
        self.logs = []
        try:
            os.mkdir(path)
        except OSError:
            pass  # it is there
        self._most = os.statvfs(path)[2] * _SHARE[0] // _SHARE[1]  # blocks
        for entry in os.ilistdir(path):
            self._found(entry[0], entry[3])  # pyright: ignore[reportGeneralTypeIssues] - littlefs tells the size
        for meters in self.meters.values():
            meters.sort(key=lambda meter: -meter.starts[-1] * meter.span)  # the present period first

    def _found(self, name, size):
        if name.endswith(_LOG):
            self.logs.append(name[: -len(_LOG)])
        try:
            key, period, chunk = name.split(".")
            period, chunk = int(period), int(chunk, 16)
        except ValueError:
            return  # not one of ours
        known = self.known(key, period)
        place = len([start for start in known.starts if start < chunk])
        known.starts.insert(place, chunk)
        known.sizes.insert(place, size)

    def known(self, name, period):
        """Return the meter of a file name and period. Of several periods all stay, and the last described is the present."""
        meters = self.meters.setdefault(name, [])
        for meter in meters:
            if meter.period == period:
                return meter
        meter = Meter(f"{self._path}/{name}.{period}", period)
        meters.insert(0, meter)
        return meter

    def log(self, name):
        """Return the path of a meter's log of events."""
        return self._path + "/" + name + _LOG

    def keys(self):
        """Return the keys of all meters that there is something of, sorted."""
        return sorted([_key(name) for name in set(list(self.meters) + self.logs)])

    def is_full(self):
        """Whether there is no room for one more file."""
        used = len(self.logs)
        for meters in self.meters.values():
            for meter in meters:
                used += meter.blocks()
        return used + 2 > self._most

    def make_room(self, meter, chunk):
        """Remove what is too old of a meter that gets a new chunk, and of all what has no room."""
        while len(meter.starts) > 1 and (chunk - meter.starts[1]) * meter.span > _OLDEST_S:
            remove(meter)
        while self.is_full() and self.remove_oldest():
            pass

    def remove_oldest(self):
        """Remove the oldest file of the meter that has most on flash, sooner one of a period that it has no more.

        The newest of a meter stays. Return whether there was one.
        """
        most = found = None
        for meters in self.meters.values():
            for meter in meters:
                if len(meter.starts) > (1 if meter is meters[0] else 0):
                    rank = (meter is not meters[0], meter.blocks(), -meter.starts[0] * meter.span)
                    if most is None or rank > most:
                        most, found = rank, meter
        if found is not None:
            remove(found)
        return found is not None


def remove(meter):
    """Remove the oldest file of a meter."""
    os.remove(meter.name(0))
    meter.starts.pop(0)
    meter.sizes.pop(0)


def safe(key):
    """Return a key as part of a file name: no two have the same, none has a dot."""
    return "".join([c if c.isalpha() or c.isdigit() else "%%%02x" % ord(c) for c in key])


def _key(name):
    """Return the key that became a part of a file name."""
    at = name.find("%")
    while at >= 0:
        name = name[:at] + chr(int(name[at + 1 : at + 3], 16)) + name[at + 3 :]
        at = name.find("%", at + 1)
    return name
