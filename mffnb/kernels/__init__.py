"""Compiled inner loops: arrays and numbers in, arrays and numbers out; no class is known here."""
