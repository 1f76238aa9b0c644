"""Labelled images and their rows: layout, lazy arrays, sparse pixels, missing entries."""
