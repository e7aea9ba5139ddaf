"""What the README tells a newcomer to type works."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture
def readme(repository: Path) -> str:
    return (repository / "README.md").read_text(encoding="utf-8")


def test_its_python_runs(readme: str, tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    assert "epochs=20" in code
    code = code.replace("epochs=20", "epochs=1")
    code += "assert images.shape == (2, 28, 28) and probabilities.shape == (100, 10)\n"
    code += "assert means.shape == deviations.shape == (100, 2) and len(sevens) == 16\n"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert re.match(r"1 -\d+", done.stdout)


def test_its_flags_are_those_of_the_command_line(readme: str, repository: Path) -> None:
    flags = set(re.findall(r"(?<=\s)--[a-z-]+", "\n".join(re.findall(r".*train\.py .*", readme))))
    assert "--model" in flags
    known = subprocess.run(
        [sys.executable, str(repository / "train.py"), "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert flags <= set(re.findall(r"--[a-z-]+", known.stdout))


def test_its_make_targets_exist(readme: str, repository: Path) -> None:
    makefile = (repository / "Makefile").read_text()
    targets = set(re.findall(r"^make (\w+)", readme, re.MULTILINE))
    assert {"run", "test", "check"} <= targets
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)


def test_its_links_and_pictures_lead_somewhere(readme: str, repository: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", readme)
    local = [link for link in links if "://" not in link]
    assert "LICENSE" in local
    assert [link for link in local if not (repository / link).exists()] == []
