"""Objective of the factorization, its half-step subproblems, compatibility of terms and scale normalisation."""
