"""Labelled spectral images (cubes) and their conversion to matrices: layout, lazy arrays, masks."""
