"""The zones our users most often live in, by their names in the IANA time zone database, as POSIX TZ strings.

Any other zone is set by its POSIX string itself.
"""

from micropython import const

from lib.clock import posix_tz

_ZONES = const("""
UTC UTC0
Europe/Amsterdam CET-1CEST,M3.5.0,M10.5.0/3
Europe/Athens EET-2EEST,M3.5.0/3,M10.5.0/4
Europe/Belgrade CET-1CEST,M3.5.0,M10.5.0/3
Europe/Berlin CET-1CEST,M3.5.0,M10.5.0/3
Europe/Bratislava CET-1CEST,M3.5.0,M10.5.0/3
Europe/Brussels CET-1CEST,M3.5.0,M10.5.0/3
Europe/Bucharest EET-2EEST,M3.5.0/3,M10.5.0/4
Europe/Budapest CET-1CEST,M3.5.0,M10.5.0/3
Europe/Helsinki EET-2EEST,M3.5.0/3,M10.5.0/4
Europe/Istanbul <+03>-3
Europe/Kyiv EET-2EEST,M3.5.0/3,M10.5.0/4
Europe/Lisbon WET0WEST,M3.5.0/1,M10.5.0
Europe/Ljubljana CET-1CEST,M3.5.0,M10.5.0/3
Europe/London GMT0BST,M3.5.0/1,M10.5.0
Europe/Madrid CET-1CEST,M3.5.0,M10.5.0/3
Europe/Paris CET-1CEST,M3.5.0,M10.5.0/3
Europe/Prague CET-1CEST,M3.5.0,M10.5.0/3
Europe/Rome CET-1CEST,M3.5.0,M10.5.0/3
Europe/Sarajevo CET-1CEST,M3.5.0,M10.5.0/3
Europe/Skopje CET-1CEST,M3.5.0,M10.5.0/3
Europe/Sofia EET-2EEST,M3.5.0/3,M10.5.0/4
Europe/Stockholm CET-1CEST,M3.5.0,M10.5.0/3
Europe/Vienna CET-1CEST,M3.5.0,M10.5.0/3
Europe/Warsaw CET-1CEST,M3.5.0,M10.5.0/3
Europe/Zagreb CET-1CEST,M3.5.0,M10.5.0/3
Europe/Zurich CET-1CEST,M3.5.0,M10.5.0/3
""")


def names():
    """Yield the names, in order: a settings page offers them."""
    for row in _ZONES.strip().split("\n"):
        yield row.split(" ")[0]


def find(name):
    """Return the POSIX TZ string of a zone, or None for a name that is not listed."""
    start = _ZONES.find("\n" + name + " ")
    if start < 0 or not name:
        return None
    start += len(name) + 2
    return _ZONES[start : _ZONES.find("\n", start)]


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
