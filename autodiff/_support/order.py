"""The order in which people list names."""

import re


def by_number(text: str) -> list[str | int]:
    """A key to sort by: ``w.2`` comes before ``w.10``."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", text)]
