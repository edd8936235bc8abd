"""The version of this firmware, of what it keeps in its file system, and of what it may replace (docs/upgrade.md)."""

VERSION = "0.1"
FILES_VERSION = 1
SECURITY_COUNTER = 1  # one more whenever a version closes a hole that nobody may open again by going back
MINIMUM_VERSION = "0.1"  # the lowest that can become this one at once: that reads its files and knows its images
