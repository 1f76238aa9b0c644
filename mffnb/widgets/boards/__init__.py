"""Widgets that show a running search: the rank explorer and the tuning monitor."""
