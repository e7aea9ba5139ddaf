"""A process that only imports torch and Qt, and writes how much memory it has."""

import sys

import PySide6.QtWidgets
import torch

from tests.benchmarks.resident import resident_memory

if __name__ == "__main__":
    assert PySide6.QtWidgets and torch
    sys.stdout.write(str(resident_memory()))
