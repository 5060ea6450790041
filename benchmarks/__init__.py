"""Time and memory beside plain floats and other engines: ``python -m benchmarks``, or ``make bench``."""
