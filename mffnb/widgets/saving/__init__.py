"""Sessions of the explorer on disk: a zip file of JSON and NumPy arrays, without pickled objects."""
