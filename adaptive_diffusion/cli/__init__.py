"""The commands."""


def main() -> None:
    raise SystemExit("not yet")
