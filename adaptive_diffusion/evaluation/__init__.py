"""Figures from answers and traces, each defined in one place."""
