"""Benchmarks: `python -m tests.benchmarks`. They are no tests, and fail nothing.

Every figure is a ratio against something timed in the same run, in turns, or is set beside a frame of the screen.
"""
