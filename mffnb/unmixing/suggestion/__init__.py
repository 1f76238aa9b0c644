"""Suggestion of settings from the data alone: noise model, number of components, constraints."""
