"""The user's file that the type checkers read uses every public name, and checks the types of what it gets."""

import ast
from pathlib import Path

import autodiff as ad
from autodiff import nn, optim

USED = [
    node for node in ast.walk(ast.parse(Path(__file__).with_name("user.py").read_text())) if isinstance(node, ast.Attribute)
]


def used(module):
    return {node.attr for node in USED if isinstance(node.value, ast.Name) and node.value.id == module}


def test_every_public_name_is_used():
    assert set(ad.__all__) - used("ad") - {"nn", "optim"} == set()
    assert set(nn.__all__) - used("nn") == set()
    assert set(optim.__all__) - used("optim") == set()
