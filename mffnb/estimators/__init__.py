"""Estimators with the scikit-learn contract: matrix factorization and its relatives."""
