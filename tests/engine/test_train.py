"""`python train.py` as a user runs it: its files, its sentences, its exit codes, and Ctrl-C."""

from __future__ import annotations

import csv
import importlib.util
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from vae_explorer.engine.checkpoint import load_model, read_card
from vae_explorer.engine.command_line import run_command
from vae_explorer.engine.training_state import TrainingState

QUICK = ["--quiet", "--threads", "1", "--epochs", "1", "--device", "cpu"]


@pytest.fixture(scope="module")
def train() -> ModuleType:
    path = Path(__file__).resolve().parents[2] / "train.py"
    spec = importlib.util.spec_from_file_location("train", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Forty grey 8 × 8 pictures in two classes."""
    rng = np.random.default_rng(0)
    for label in ("dark", "light"):
        (tmp_path / "pictures" / label).mkdir(parents=True)
        for index in range(20):
            pixels = rng.integers(0, 100, (8, 8)) + (150 if label == "light" else 0)
            Image.fromarray(pixels.astype(np.uint8)).save(
                tmp_path / "pictures" / label / f"{index}.png"
            )
    return tmp_path / "pictures"


def run(train: ModuleType, *arguments: object) -> int:
    return run_command(lambda: train.train([*map(str, arguments), *QUICK]))


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_training_writes_model_history_and_figure(
    train: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert (
        run(train, "--model", "joint-vae", "--dataset", "digits", "--batch-size", 256, "--out", out)
        == 0
    )
    model = load_model(out / "model.safetensors")
    assert model.config.kind == "joint-vae"
    assert model.config.class_names == tuple("0123456789")
    (row,) = rows(out / "history.csv")
    assert float(row["validation_accuracy"]) > 0.5
    for part in ("elbo", "reconstruction", "kl", "classification"):
        for split in ("train", "validation"):
            assert np.isfinite(float(row[f"{split}_{part}"]))
    elbo = (
        float(row["validation_reconstruction"])
        - float(row["validation_kl"])
        + float(row["validation_log_prior"])
    )
    assert float(row["validation_elbo"]) == pytest.approx(elbo)
    with Image.open(out / "figure.png") as figure:
        assert figure.width > 1000
    card = read_card(out / "model.safetensors")
    assert card["validation"]["elbo"] == float(row["validation_elbo"])
    assert "--model joint-vae" in card["command"]
    assert str(out) not in card["command"]
    assert "--out" not in card["command"]
    assert card["unit"] == "nats"
    printed = capsys.readouterr().out
    for word in ("ELBO", "rec", "KL", "acc", "images/s", "completed after 1 epochs"):
        assert word in printed


def test_a_folder_of_images_trains_and_resumes(
    train: ModuleType, folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    common = [
        "--dataset",
        "folder",
        "--data-dir",
        folder,
        "--image-size",
        8,
        "--batch-size",
        8,
        "--out",
        out,
    ]
    assert (
        run(train, *common, "--model", "joint-vae", "--preset", "conv", "--likelihood", "gaussian")
        == 0
    )
    assert load_model(out / "model.safetensors").config.class_names == ("dark", "light")
    state = out / "training.safetensors"
    assert TrainingState.load(state).counters["epoch"] == 1
    again = [*map(str, common), "--resume", str(state), *QUICK, "--epochs", "3"]
    assert run_command(lambda: train.train(again)) == 0
    assert [row["epoch"] for row in rows(out / "history.csv")] == ["1", "2", "3"]


def test_ppca_trains_from_the_same_command(train: ModuleType, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = [
        "--model",
        "ppca",
        "--dataset",
        "folder",
        "--data-dir",
        folder,
        "--image-size",
        8,
        "--out",
        out,
    ]
    assert run(train, *arguments, "--latent-dim", 2) == 0
    assert load_model(out / "model.safetensors").config.kind == "ppca"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--dataset", "nowhere"],
        ["--latent-dim", "0"],
        ["--batch-size", str(10**9)],
        ["--samples", "0"],
        ["--resume", "absent.safetensors"],
        ["--start-from", "absent.safetensors"],
        ["--threads", "0"],
        ["--dataset", "mnist", "--data-dir", "absent"],
    ],
    ids=" ".join,
)
def test_bad_input_is_one_sentence_exit_code_two_and_no_file(
    train: ModuleType,
    arguments: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "urllib.request.urlopen", lambda *_, **__: (_ for _ in ()).throw(OSError("offline"))
    )
    out = tmp_path / "out"
    assert run_command(lambda: train.train([*QUICK, *arguments, "--out", str(out)])) == 2
    message = capsys.readouterr().err.strip()
    assert message.endswith(".")
    assert "\n" not in message
    assert "Traceback" not in message
    assert not out.exists()


def test_a_text_file_among_the_images_is_named(
    train: ModuleType, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "dark" / "notes.txt").write_text("hello")
    assert (
        run(
            train,
            "--dataset",
            "folder",
            "--data-dir",
            folder,
            "--image-size",
            8,
            "--out",
            tmp_path / "out",
        )
        == 2
    )
    assert "notes.txt" in capsys.readouterr().err


def test_a_diverging_training_writes_no_model(
    train: ModuleType, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    (out).mkdir()
    (out / "model.safetensors").write_text("what was there")
    arguments = [
        "--dataset",
        "folder",
        "--data-dir",
        folder,
        "--image-size",
        8,
        "--preset",
        "deep",
        "--widths",
        "16,16,16,16,16",
        "--out",
        out,
    ]
    again = [*map(str, arguments), *QUICK, "--learning-rate", "1e6", "--epochs", "50"]
    assert run_command(lambda: train.train(again)) == 2
    assert "smaller learning rate" in capsys.readouterr().err
    assert (out / "model.safetensors").read_text() == "what was there"


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C reaches a child otherwise on Windows")
def test_ctrl_c_stops_cleanly_and_keeps_the_best_model(train: ModuleType, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = [
        sys.executable,
        str(train.__file__),
        "--epochs",
        "10000",
        "--threads",
        "1",
        "--quiet",
        "--out",
        str(out),
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for _ in range(2):
        assert "epoch" in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    rest, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert time.monotonic() - began < 60
    assert "stopped after" in rest
    best = max(rows(out / "history.csv"), key=lambda row: float(row["validation_objective"]))
    assert json.dumps(read_card(out / "model.safetensors")["best_epoch"]) == best["epoch"]
    load_model(out / "model.safetensors")


def test_the_cards_command_leaves_out_the_folders_of_this_machine(train: ModuleType) -> None:
    words = [
        "--data-dir",
        "/home/me",
        "--epochs",
        "3",
        "--out=/tmp/x",
        "--model",
        "vae",
        "--resume",
        "a",
    ]
    assert train.card_command(words) == "python train.py --epochs 3 --model vae"
