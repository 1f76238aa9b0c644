"""Seconds and milliseconds, next to other libraries."""
