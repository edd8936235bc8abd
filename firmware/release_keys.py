"""The public keys of those who may sign upgrades, by key id; written by `python -m tools.release`: docs/upgrade.md."""

KEYS = {}
