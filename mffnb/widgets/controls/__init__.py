"""Sliders and menus of the explorer."""
