"""Tiered compilation: a run begins on NumPy steps and changes to compiled kernels when a child process has them ready.

:mod:`mffnb.kernels.tiers.tier` holds the state of a run, and the helper by which the callers of kernels choose.
:mod:`mffnb.kernels.tiers.compilation` holds the child process, and the files that tell which kernels are in the cache.
The other modules hold the NumPy steps, with the arguments and the results of the kernels that they replace.
"""
