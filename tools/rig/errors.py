class RigError(Exception):
    """One sentence about what is wrong with a file or a request; it goes to the user as it is."""
