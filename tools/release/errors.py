"""The error of what makes and checks releases."""


class Refused(Exception):
    """What was given is not what it should be; says what."""
