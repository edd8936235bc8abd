"""The version of this firmware, and of what it keeps in its file system."""

VERSION = "0.1"
FILES_VERSION = 1
