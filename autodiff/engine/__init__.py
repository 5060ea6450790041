"""The engine: the table of rules, the Values that record them, and the derivatives of functions."""
