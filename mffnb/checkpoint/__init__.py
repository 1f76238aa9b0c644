"""A run that can be continued: where it stands is written now and then, in two generations, each rank its own part."""

from mffnb.checkpoint.generations import Generations
from mffnb.checkpoint.keeper import Checkpoint, Keeper, digest, kept_seed

__all__ = ["Checkpoint", "Generations", "Keeper", "digest", "kept_seed"]
