"""Recovery of the simulated experiments of docs/domains, next to bounds and scikit-learn."""
