"""Registries of names: lazily loaded public names, parts that users select by name, and installed plug-ins."""
