"""Compiled inner loops (numba): they take arrays and numbers only and use no class of the package."""
