"""The zones our users most often live in, by their names in the IANA time zone database, as POSIX TZ strings.

Any other zone is set by its POSIX string itself.
"""

from micropython import const

from lib.clock import posix_tz

# A rule and the zones where it holds
_ZONES = const("""
UTC0 UTC
CET-1CEST,M3.5.0,M10.5.0/3 Europe/Amsterdam Europe/Belgrade Europe/Berlin Europe/Bratislava Europe/Brussels Europe/Budapest \
Europe/Ljubljana Europe/Madrid Europe/Paris Europe/Prague Europe/Rome Europe/Sarajevo Europe/Skopje Europe/Stockholm \
Europe/Vienna Europe/Warsaw Europe/Zagreb Europe/Zurich
EET-2EEST,M3.5.0/3,M10.5.0/4 Europe/Athens Europe/Bucharest Europe/Helsinki Europe/Kyiv Europe/Sofia
<+03>-3 Europe/Istanbul
WET0WEST,M3.5.0/1,M10.5.0 Europe/Lisbon
GMT0BST,M3.5.0/1,M10.5.0 Europe/London
""")


def names():
    """Yield the names."""
    for row in _ZONES.strip().split("\n"):
        yield from row.split(" ")[1:]


def find(name):
    """Return the POSIX TZ string of a zone, or None for a name that is not listed."""
    for row in _ZONES.strip().split("\n"):
        zones = row.split(" ")
        if name in zones[1:]:
            return zones[0]
    return None


def zone_of(setting):
    """Return the zone that a setting names: minutes east of UTC (number or text), a name such as Europe/Ljubljana, or a
    POSIX TZ string. Raises ValueError that says what is wrong."""
    if isinstance(setting, int):
        return posix_tz.fixed(setting)
    text = setting.strip()
    try:
        minutes = int(text)
    except ValueError:
        return posix_tz.parse(find(text) or text)
    return posix_tz.fixed(minutes)
