"""Benchmarks of files: every file of the data folder, hostile files, and large files."""
