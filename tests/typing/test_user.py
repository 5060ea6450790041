"""The user's file that the type checkers read uses every public name, and checks the types of what it gets."""

import ast
from pathlib import Path
from types import FunctionType

import autodiff as ad
from autodiff import nn, optim
from autodiff.engine import rules

USED = [
    node for node in ast.walk(ast.parse(Path(__file__).with_name("user.py").read_text())) if isinstance(node, ast.Attribute)
]


def used(module):
    return {node.attr for node in USED if isinstance(node.value, ast.Name) and node.value.id == module}


def test_every_public_name_is_used():
    assert set(ad.__all__) - used("ad") - {"nn", "optim"} == set()
    assert set(nn.__all__) - used("nn") == set()
    assert set(optim.__all__) - used("optim") == set()


def test_every_method_of_the_table_is_in_the_stub():
    stub = (Path(ad.__file__).parent / "engine" / "value.pyi").read_text(encoding="utf-8")
    made = {rule.name for rule in rules.TABLE.values() if rule.of_one_number and isinstance(rule.derivatives, FunctionType)}
    assert {name for name in made if f"def {name}(self" not in stub} == set()
