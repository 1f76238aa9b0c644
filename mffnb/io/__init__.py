"""Reading of spectral images from files, and atomic writing of results: a file is complete or does not change.

Each file format has a reader in :mod:`mffnb.io.readers`; :mod:`mffnb.io.registry` selects the reader of a file.
"""
