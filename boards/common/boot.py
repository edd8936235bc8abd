"""Frozen and empty: a file of this name on the device's file system would otherwise run before the application."""
