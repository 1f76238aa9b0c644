"""Plugins for tests, doctests and notebooks alike."""

pytest_plugins = ["tests.slowest"]
