"""Distance of results from a known truth."""
