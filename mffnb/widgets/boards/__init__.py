"""Boards that show a running search: rank explorer and tuning monitor."""
