"""Stores results of computations between runs, so that nothing is computed twice."""
