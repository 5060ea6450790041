"""The examples in docstrings do what they show."""

import doctest
import importlib
from pathlib import Path

import pytest

import autodiff

PACKAGE = Path(autodiff.__file__).parent
MODULES = [
    ".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts)
    for file in sorted(PACKAGE.rglob("*.py"))
    if ">>> " in file.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    tried = doctest.testmod(importlib.import_module(name.removesuffix(".__init__")))
    assert tried.attempted
    assert not tried.failed
