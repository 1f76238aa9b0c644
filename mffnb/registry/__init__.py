"""Find parts by name: lazily loaded public names, named parts of the package, and installed plug-ins."""
