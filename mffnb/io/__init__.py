"""Read spectral images from files, and write results to files completely or not at all.

Each file format has a reader in :mod:`mffnb.io.readers`; :mod:`mffnb.io.registry` selects the reader of a file.
"""
