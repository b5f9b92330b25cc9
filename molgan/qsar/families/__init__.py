"""Families of models: a random forest and a network on fingerprints, a D-MPNN on graphs."""
