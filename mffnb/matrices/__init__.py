"""How X is read: one small class per place where it may live."""

from mffnb.matrices.dense import Dense

__all__ = ["Dense"]
