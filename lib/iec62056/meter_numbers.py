"""Numbers of meters, as they tell them and as people write them."""


def is_same_number(one, other):
    """Whether two meter numbers are the same: blanks around them and leading zeros do not count, nor does the maker's name in
    front of one of them (`MSY80099921`)."""
    return _bare(one) == _bare(other)


def _bare(name):
    name = bytes(name).strip()
    if name[:3].isalpha() and name[3:].isdigit():
        name = name[3:]
    return name.lstrip(b"0")
