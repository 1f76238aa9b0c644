"""Benchmarks of speed, accuracy, simulated experiments and scale; run one with ``python -m benchmarks NAME``."""
