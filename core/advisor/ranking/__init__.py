"""Ranking: feasibility, Pareto front, preference, explanation."""
