"""The paper: prose by hand, every number, table and figure from result files. `python -m paper --help`."""
