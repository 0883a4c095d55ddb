"""Measurements of quality and cost. Each module is a program: `python -m benchmarks.<name> --help`.

They print what they find and judge nothing.
"""
