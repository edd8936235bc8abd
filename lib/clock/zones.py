"""POSIX TZ strings of the zones our users most often live in, by their names in the IANA time zone database.

Any other zone is set by its POSIX string itself.
"""

_CENTRAL_EUROPE = "CET-1CEST,M3.5.0,M10.5.0/3"
_EASTERN_EUROPE = "EET-2EEST,M3.5.0/3,M10.5.0/4"

_ZONES = (
    ("UTC", "UTC0"),
    ("Europe/Amsterdam", _CENTRAL_EUROPE),
    ("Europe/Athens", _EASTERN_EUROPE),
    ("Europe/Belgrade", _CENTRAL_EUROPE),
    ("Europe/Berlin", _CENTRAL_EUROPE),
    ("Europe/Bratislava", _CENTRAL_EUROPE),
    ("Europe/Brussels", _CENTRAL_EUROPE),
    ("Europe/Bucharest", _EASTERN_EUROPE),
    ("Europe/Budapest", _CENTRAL_EUROPE),
    ("Europe/Helsinki", _EASTERN_EUROPE),
    ("Europe/Istanbul", "<+03>-3"),
    ("Europe/Kyiv", _EASTERN_EUROPE),
    ("Europe/Lisbon", "WET0WEST,M3.5.0/1,M10.5.0"),
    ("Europe/Ljubljana", _CENTRAL_EUROPE),
    ("Europe/London", "GMT0BST,M3.5.0/1,M10.5.0"),
    ("Europe/Madrid", _CENTRAL_EUROPE),
    ("Europe/Paris", _CENTRAL_EUROPE),
    ("Europe/Prague", _CENTRAL_EUROPE),
    ("Europe/Rome", _CENTRAL_EUROPE),
    ("Europe/Sarajevo", _CENTRAL_EUROPE),
    ("Europe/Skopje", _CENTRAL_EUROPE),
    ("Europe/Sofia", _EASTERN_EUROPE),
    ("Europe/Stockholm", _CENTRAL_EUROPE),
    ("Europe/Vienna", _CENTRAL_EUROPE),
    ("Europe/Warsaw", _CENTRAL_EUROPE),
    ("Europe/Zagreb", _CENTRAL_EUROPE),
    ("Europe/Zurich", _CENTRAL_EUROPE),
)


def names():
    """Yield the names, in order: a settings page offers them."""
    for name, _ in _ZONES:
        yield name


def find(name):
    """Return the POSIX TZ string of a zone, or None for a name that is not listed."""
    for listed, rules in _ZONES:
        if listed == name:
            return rules
    return None
