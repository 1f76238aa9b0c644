"""The objective, split into the subproblems of A and E: compatibility of parts, scale normalisation."""
