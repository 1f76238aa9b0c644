"""Scikit-learn estimators on a plain matrix of spectra."""
