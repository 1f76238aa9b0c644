"""Controls of the live explorer: sliders, menus, switches and buttons."""
