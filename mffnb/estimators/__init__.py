"""Scikit-learn estimators that factor a plain matrix of spectra (pixels, channels)."""
