"""Objective of the factorization and its half-step subproblems: compatibility of terms, scale normalisation, ranks."""
