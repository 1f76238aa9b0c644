"""Controls of the explorer: sliders, menus, switches and buttons."""
