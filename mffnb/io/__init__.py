"""Readers of spectral images and atomic writers of results; each format has a file of its own."""
