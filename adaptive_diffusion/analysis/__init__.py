"""Traces and summary rows in, tables, figures and the report out."""
