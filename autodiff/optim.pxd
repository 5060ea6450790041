# The C types of optim.py.
from autodiff.value cimport Value
