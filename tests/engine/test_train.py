"""`python train.py` as a user runs it: its files, its sentences, its exit codes, and Ctrl-C."""

from __future__ import annotations

import csv
import importlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Generator, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from vae_explorer import paths
from vae_explorer.engine.checkpoint import load_model, read_card
from vae_explorer.engine.command_line import chosen, run_command
from vae_explorer.engine.config import ModelConfig, TrainingConfig
from vae_explorer.engine.data import load_dataset, pictures
from vae_explorer.engine.errors import EngineError, TrainingError
from vae_explorer.engine.events import EpochEvent, Event, StepEvent
from vae_explorer.engine.run_folder import held_folder
from vae_explorer.engine.training import fit as train_model
from vae_explorer.engine.training_state import TrainingState

QUICK = ["--quiet", "--threads", "1", "--epochs", "1", "--device", "cpu"]


@pytest.fixture(scope="module")
def train() -> ModuleType:
    return importlib.import_module("vae_explorer.train")


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
    return run_command(lambda: train.train([*QUICK, *map(str, arguments)]))


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
    assert len(card["curve"]["epochs"]) == card["epochs"]
    assert card["data"]["name"] == "digits"
    assert "--model joint-vae" in card["command"]
    assert str(out) not in card["command"]
    assert "--out" not in card["command"]
    assert card["unit"] == "nats"
    printed = capsys.readouterr().out
    for word in ("ELBO", "rec", "KL", "acc", "images/s", "completed after 1 epoch;"):
        assert word in printed
    assert f"Objective: {float(row['validation_objective']):.2f}" in printed


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
    earlier = rows(out / "history.csv")
    first = out / "first.safetensors"  # as if what came after it had been cut off
    later = TrainingState.load(state)
    best = {
        name.removeprefix("validation_"): float(value)
        for name, value in earlier[0].items()
        if name.startswith("validation_")
    }
    counters = {**later.counters, "epoch": 1, "best_epoch": 1, "best_validation": best}
    replace(later, counters=counters).save(first)
    again[again.index(str(state))] = str(first)
    assert run_command(lambda: train.train(again)) == 0
    assert [row["epoch"] for row in rows(out / "history.csv")] == ["1", "2", "3"]
    assert rows(out / "history.csv")[0] == earlier[0]


def test_ppca_trains_from_the_same_command(
    train: ModuleType,
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn = []
    monkeypatch.setattr(train, "save_lecture_figure", lambda *arguments: drawn.append(arguments))
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
    assert "Objective" not in capsys.readouterr().out
    ((_, config, data, real, generated, curve),) = drawn
    test = pictures(load_dataset("folder", folder, image_size=8).test.images)
    assert {image.tobytes() for image in real} == {image.tobytes() for image in test}
    assert len(real) == len(test) and len(generated) == 36
    assert (config.kind, data, curve.best) == ("ppca", "pictures", 1)
    assert (curve.quantity, curve.unit) == ("log p(x)", "nats of a density")
    assert curve.train and curve.reference is not None
    assert run(train, *arguments, "--latent-dim", 2, "--ppca-fit", "closed-form") == 0
    assert "completed after 1 epoch;" in capsys.readouterr().out
    assert "--ppca-fit closed-form" in read_card(out / "model.safetensors")["command"]
    assert run(train, "--dataset", "digits", "--ppca-fit", "closed-form", "--out", out) == 2
    assert "--ppca-fit has an effect with --model ppca alone" in capsys.readouterr().err


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


def diverging(train: ModuleType, monkeypatch: pytest.MonkeyPatch, epochs: int) -> None:
    """Trainings come to no number after so many epochs."""

    def fit(*arguments: object, **settings: object) -> Iterator[Event]:
        events = train_model(*arguments, **settings)  # type: ignore[arg-type]
        assert isinstance(events, Generator)
        for event in events:
            yield event
            if isinstance(event, EpochEvent) and event.epoch == epochs:
                events.close()
                raise TrainingError("The objective is no longer a number.")

    monkeypatch.setattr(train, "fit", fit)


def test_a_training_that_fails_late_keeps_its_best_epoch(
    train: ModuleType,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = tmp_path / "out"
    assert run(train, "--out", out) == 0
    diverging(train, monkeypatch, 2)
    assert run(train, "--epochs", 3, "--seed", 1, "--out", out) == 2
    said = capsys.readouterr().err
    assert "no longer a number. Written to" in said and "the weights of epoch 2 are in" in said
    card = read_card(out / "model.safetensors")
    assert (card["best_epoch"], card["training"]["seed"]) == (2, 1)
    assert len(rows(out / "history.csv")) == 2
    assert TrainingState.load(out / "training.safetensors").training_config.seed == 1


def test_a_stop_in_the_first_epoch_leaves_an_earlier_model_alone(
    train: ModuleType,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = tmp_path / "out"
    assert run(train, "--out", out) == 0
    names = ("model.safetensors", "history.csv", "figure.png", "training.safetensors")
    before = [(out / name).read_bytes() for name in names]
    with monkeypatch.context() as patch:
        patch.setattr(train.TrainingControl, "stopping", property(lambda _: True))
        patch.setattr(train.TrainingControl, "wait_for_turn", lambda _: False)
        assert run(train, "--seed", 1, "--out", out) == 0
    assert [(out / name).read_bytes() for name in names] == before
    assert "no model was written, and --resume" in capsys.readouterr().out
    assert run(train, "--resume", out / "stopped.safetensors") == 0
    assert read_card(out / "model.safetensors")["training"]["seed"] == 1
    assert {path.name for path in out.iterdir()} == set(names)


class PulledPlug(BaseException):
    """Nothing handles it."""


def test_a_pulled_plug_costs_no_more_than_what_came_after_the_last_state(
    train: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, whole = tmp_path / "out", tmp_path / "whole"
    settings = ["--model", "joint-vae", "--epochs", 3, "--seed", 1]
    assert run(train, *settings, "--out", whole) == 0
    assert run(train, "--out", out) == 0  # another model, which is replaced with all that is its

    def fit(*arguments: object, **given: object) -> Iterator[Event]:
        for event in train_model(*arguments, **given):  # type: ignore[arg-type]
            yield event
            if isinstance(event, StepEvent) and event.epoch > 2.5:
                raise PulledPlug

    with monkeypatch.context() as patch:
        patch.setattr(train, "fit", fit)
        patch.setattr(train, "KEPT_EVERY", 0.0)
        patch.setattr("vae_explorer.engine.keeping.SHARE", 1e9)
        with pytest.raises(PulledPlug):
            run(train, *settings, "--out", out)
    card = read_card(out / "model.safetensors")
    assert (card["epochs"], card["training"]["seed"], card["validation"]["kl"] > 0) == (2, 1, True)
    assert not (out / "figure.png").exists()
    assert run(train, "--resume", out / "training.safetensors", "--epochs", 3) == 0
    for name in ("model", "training"):
        found, wanted = (load_file(folder / f"{name}.safetensors") for folder in (out, whole))
        timed = {"sums.epoch", "sums.report"}  # they say when they began
        assert all(torch.equal(found[key], wanted[key]) for key in wanted.keys() - timed)
    timeless = [
        [{k: v for k, v in row.items() if "second" not in k} for row in rows(f / "history.csv")]
        for f in (out, whole)
    ]
    assert timeless[0] == timeless[1]


def test_the_history_of_another_training_is_passed_over(train: ModuleType, tmp_path: Path) -> None:
    out, other = tmp_path / "out", tmp_path / "other"
    assert run(train, "--out", out) == 0
    best = read_card(out / "model.safetensors")["validation"]
    assert run(train, "--seed", 1, "--epochs", 2, "--out", other) == 0
    shutil.copy(other / "history.csv", out / "history.csv")
    assert run(train, "--resume", out / "training.safetensors", "--epochs", 2) == 0
    assert [row["epoch"] for row in rows(out / "history.csv")] == ["2"]
    card = read_card(out / "model.safetensors")
    assert card["best_epoch"] == 2 or card["validation"] == best


def test_a_file_that_cannot_be_written_costs_no_other(
    train: ModuleType,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = tmp_path / "out"
    assert run(train, "--out", out) == 0
    monkeypatch.setattr(train.TrainingState, "save", fails)
    with monkeypatch.context() as patch:
        patch.setattr("vae_explorer.engine.history.append_to", fails)
        assert run(train, "--epochs", 3, "--out", out) == 2
    said = capsys.readouterr().err
    assert said.count("The training goes on") == 1
    assert "No space left" in said
    assert "Written to" in said and ": model.safetensors, history.csv, figure.png;" in said
    assert len(rows(out / "history.csv")) == 3
    assert not (out / "training.safetensors").exists()


def fails(*_: object) -> None:
    raise EngineError("It cannot be written: No space left on device.")


def test_a_resumed_trainings_time_is_that_of_all_its_sessions(
    train: ModuleType, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert run(train, "--out", out) == 0
    state = TrainingState.load(out / "training.safetensors")
    replace(state, counters={**state.counters, "seconds": 1000.0}).save(out / "long.safetensors")
    assert run(train, "--resume", out / "long.safetensors", "--epochs", 2) == 0
    assert read_card(out / "model.safetensors")["seconds"] > 1000.0


@pytest.mark.skipif(sys.platform == "win32", reason="signals reach a child otherwise on Windows")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_stops_cleanly_and_keeps_the_best_model(
    train: ModuleType, tmp_path: Path, name: str
) -> None:
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
    process.send_signal(getattr(signal, name))
    rest, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "stopped after" in rest
    best = max(rows(out / "history.csv"), key=lambda row: float(row["validation_objective"]))
    assert json.dumps(read_card(out / "model.safetensors")["best_epoch"]) == best["epoch"]
    load_model(out / "model.safetensors")


@pytest.mark.skipif(sys.platform == "win32", reason="signals reach a process otherwise on Windows")
def test_a_second_signal_ends_the_process_at_once(
    train: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    control = train.TrainingControl()
    before = signal.getsignal(signal.SIGINT)
    with train.signals_stop(control):
        signal.raise_signal(signal.SIGTERM)
        assert control.stopping
        assert signal.getsignal(signal.SIGINT) == signal.SIG_DFL
    assert signal.getsignal(signal.SIGINT) == before
    assert capsys.readouterr().err.strip() == "stopping after this step"


def test_ctrl_c_before_the_training_is_a_sentence(
    train: ModuleType,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(train, "load_dataset", interrupted)
    assert train.main([*QUICK, "--out", str(tmp_path / "out")]) == 130
    assert capsys.readouterr().err == "Stopped; nothing was written.\n"
    assert not (tmp_path / "out").exists()


def test_a_place_for_no_folder_is_told_before_the_data_are_read(
    train: ModuleType,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(train, "load_dataset")
    file = tmp_path / "notes.txt"
    file.write_text("hello")
    for out in (file, file / "inner" / "out"):
        assert run(train, "--out", out) == 2
        assert capsys.readouterr().err == f"{file} is a file: name a folder.\n"
    monkeypatch.setattr(os, "open", lambda *_: (_ for _ in ()).throw(PermissionError(13, "No")))
    assert run(train, "--out", tmp_path / "new" / "out") == 2
    assert "Choose a folder of your own." in capsys.readouterr().err
    assert os.listdir(tmp_path) == ["notes.txt"]


@pytest.mark.skipif(sys.platform == "win32", reason="it has no such locks")
def test_a_folder_takes_one_training_at_a_time(
    train: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    with held_folder(out):
        assert run(train, "--out", out) == 2
        assert capsys.readouterr().err.startswith(f"Another training writes into {out}:")
    assert run(train, "--out", out) == 0
    assert run(train, "--out", out) == 0
    assert not list(out.glob(".*"))


def test_reading_pictures_shows_how_far_it_is(
    train: ModuleType,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    options = train.parse(
        ["--dataset", "folder", "--data-dir", str(folder), "--image-size", "8"], None
    )
    now = partial(train.tqdm, mininterval=0)
    monkeypatch.setattr(train, "tqdm", lambda **given: now(**{**given, "delay": 0}))
    train.read_data(options)
    assert "40/40" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="a shell's redirections")
@pytest.mark.parametrize("where", [">&-", ">/dev/full", "2>&1 >/dev/null | true", "2>&-"])
def test_a_training_goes_on_without_its_reader(
    train: ModuleType, tmp_path: Path, where: str
) -> None:
    out = tmp_path / "out"
    words = [sys.executable, str(train.__file__), *QUICK[1:], "--epochs", "2", "--out", str(out)]
    line = f"{{ {shlex.join(words)}; echo $? >{shlex.quote(str(tmp_path / 'code'))}; }} {where}"
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False)
    assert (tmp_path / "code").read_text() == "0\n"
    assert "Traceback" not in done.stderr and "Exception" not in done.stderr
    assert len(rows(out / "history.csv")) == 2
    load_model(out / "model.safetensors")


def test_the_cards_command_makes_the_same_model_and_leaves_out_the_folders_of_this_machine(
    train: ModuleType, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = ["--dataset", "folder", "--data-dir", folder, "--image-size", 8, "--channels", 3]
    given += ["--fit", "pad", "--preset", "deep", "--widths", "9,8", "--warmup-epochs", 2]
    given += ["--model", "joint-vae", "--augment", "--labels", 4, "--learning-rate", 0.002]
    out = tmp_path / "out"
    assert run(train, *given, "--out", out) == 0
    card = read_card(out / "model.safetensors")
    assert str(tmp_path) not in card["command"]
    monkeypatch.chdir(tmp_path)  # where the folder's bare name is enough
    again = shlex.split(card["command"])[2:]
    assert run_command(lambda: train.train([*again, "--quiet"])) == 0
    second = read_card(tmp_path / "runs" / "joint-vae-folder" / "model.safetensors")
    for part in ("config", "training", "validation", "command"):
        assert second[part] == card[part]
    assert second["config"]["image_shape"] == [3, 8, 8]


@pytest.mark.parametrize("path", paths.bundled_models(), ids=lambda path: path.stem)
def test_a_bundled_models_card_has_a_command_of_today(train: ModuleType, path: Path) -> None:
    card = read_card(path)
    options = train.parse(shlex.split(card["command"])[2:], None)
    config = ModelConfig.from_dict(card["config"])
    names = {"image_shape": config.image_shape, "class_names": config.class_names}
    assert ModelConfig(**chosen(options, ModelConfig, train.FROM_DATA), **names) == config
    training = TrainingConfig.from_dict(card["training"])
    assert TrainingConfig(**chosen(options, TrainingConfig)) == training


def test_a_resumed_training_has_the_settings_of_the_stopped_one(
    train: ModuleType, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = ["--dataset", "folder", "--data-dir", folder, "--image-size", 8, "--batch-size", 8]
    data += ["--learning-rate", 0.01, "--schedule", "cosine", "--preset", "deep", "--widths", "9,8"]
    out = tmp_path / "out"
    assert run(train, *data, "--out", out) == 0
    made = read_card(out / "model.safetensors")["command"]
    more = ["--resume", out / "training.safetensors", "--data-dir", folder, "--out", out]
    assert run_command(lambda: train.train([*map(str, more), "--quiet", "--threads", "1"])) == 0
    assert len(rows(out / "history.csv")) == 1  # the epochs too are those it had
    assert read_card(out / "model.safetensors")["command"] == made
    capsys.readouterr()
    assert run(train, *more, "--learning-rate", 0.5, "--latent-dim", 7) == 2
    assert "another --latent-dim, --learning-rate" in capsys.readouterr().err


def test_a_resumed_training_stays_in_its_folder(
    train: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    out = tmp_path / "mine"
    assert run(train, "--model", "ppca", "--out", out) == 0
    assert run(train, "--resume", out / "training.safetensors", "--epochs", 2) == 0
    ours = rows(out / "history.csv")
    assert len(ours) == 2
    assert not (tmp_path / "runs").exists()
    other = tmp_path / "other"
    assert run(train, "--model", "ppca", "--seed", 1, "--out", other) == 0
    resume = ["--resume", out / "training.safetensors", "--epochs", 3, "--out", other]
    assert run(train, *resume) == 0
    assert rows(other / "history.csv")[:2] == ours


def test_a_resumed_training_has_the_pictures_of_the_stopped_one(
    train: ModuleType, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Image.open(folder / "dark" / "0.png") as square:
        square.resize((16, 8)).save(folder / "dark" / "0.png")  # which crop and pad make square
    data = ["--dataset", "folder", "--image-size", 8, "--data-dir", folder]
    stopped, out = tmp_path / "stopped", tmp_path / "out"
    assert run(train, *data, "--fit", "pad", "--out", stopped) == 0
    resume = ["--resume", stopped / "training.safetensors", "--out", out, "--data-dir"]
    assert run(train, *resume, folder) == 0
    assert "--fit pad" in read_card(out / "model.safetensors")["command"]
    capsys.readouterr()
    assert run(train, *resume, folder, "--fit", "crop") == 2
    assert "other images" in capsys.readouterr().err
    (folder / "light" / "7.png").rename(folder / "dark" / "20.png")
    assert run(train, *resume, folder) == 2
    assert "other images" in capsys.readouterr().err


def test_a_resumed_training_has_no_fewer_epochs_than_are_over(
    train: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(train, "--epochs", 2, "--model", "ppca", "--out", tmp_path) == 0
    assert "completed after 2 epochs;" in capsys.readouterr().out
    assert run(train, "--resume", tmp_path / "training.safetensors", "--epochs", 1) == 2
    assert "has 2 epochs behind it: --epochs takes no fewer." in capsys.readouterr().err


def test_a_folder_of_images_is_asked_for_by_its_flag(
    train: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(train, "--dataset", "folder", "--out", tmp_path / "out") == 2
    assert "--data-dir FOLDER" in capsys.readouterr().err


def test_a_training_says_what_its_figures_are(
    train: ModuleType, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--dataset", "folder", "--data-dir", folder, "--image-size", 8, "--epochs", 1]
    words += ["--likelihood", "gaussian", "--samples", 2, "--threads", 1, "--out", tmp_path / "out"]
    assert run_command(lambda: train.train([*map(str, words)])) == 0
    said = capsys.readouterr().err.splitlines()[0]
    assert said.startswith(
        "VAE, d = 2, Gaussian, η² = 0.05; pictures: 32 train and 4 validation images;"
    )
    assert said.endswith("figures in nats of a density per image, by M = 2 latent samples of each")


def test_a_training_that_was_over_takes_no_step_and_says_what_would_take_it_further(
    train: ModuleType, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = ["--data-dir", folder, "--quiet", "--threads", 1]
    settings = ["--dataset", "folder", "--image-size", 8, "--learning-rate", 0.5, "--seed", 1]
    more = ["--resume", tmp_path / "training.safetensors", *data]

    def trained(*words: object) -> str:
        assert run_command(lambda: train.train([*map(str, words)])) == 0
        return capsys.readouterr().out.splitlines()[-1]

    first = trained(*settings, *data, "--patience", 1, "--epochs", 50, "--out", tmp_path)
    assert first.startswith("early-stopped after")
    epochs = len(rows(tmp_path / "history.csv"))
    assert trained(*more).startswith(f"was over: early-stopped after {epochs} epochs (a larger --p")
    assert len(rows(tmp_path / "history.csv")) == epochs
    last = trained(*more, "--patience", "None", "--epochs", epochs + 2)
    assert last.startswith(f"completed after {epochs + 2} epochs")
    assert "(more --epochs take it further)" in trained(*more)


def test_what_has_no_effect_is_refused(
    train: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words, needed in (
        ("--widths 9,8", "--preset deep"),
        ("--lambda 1", "--model joint-vae"),
        ("--labels 100", "--model joint-vae"),
        ("--classifier mlp", "--model joint-vae"),
        ("--augment", "--model joint-vae"),
        ("--levels 4", "--likelihood categorical"),
        ("--variance 0.1", "--likelihood gaussian"),
        ("--learn-variance", "--likelihood gaussian"),
        ("--likelihood gaussian --binarisation fixed", "--likelihood bernoulli"),
        ("--activation relu", "--preset deep or conv"),
        ("--objective iw --beta 2", "--objective elbo"),
        ("--ppca-fit em", "--model ppca"),
        ("--model ppca --likelihood bernoulli", "--model vae or joint-vae"),
        ("--model ppca --batch-size 9", "--model vae or joint-vae"),
        ("--model ppca --augment", "--model joint-vae"),
    ):
        assert run(train, *words.split(), "--out", tmp_path / "out") == 2
        assert capsys.readouterr().err.endswith(f" has an effect with {needed} alone.\n")
    assert not (tmp_path / "out").exists()


def test_a_ppca_that_gains_nothing_more_has_converged(
    train: ModuleType, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--model", "ppca", "--dataset", "folder", "--data-dir", folder, "--image-size", 8]
    words = [*map(str, given), *QUICK[1:], "--epochs", "1000", "--out", str(tmp_path / "out")]
    assert run_command(lambda: train.train(words)) == 0
    said = capsys.readouterr()
    assert said.out.splitlines()[-1].startswith("converged after")
    assert "100% |########################|" in said.err.replace("█", "#").splitlines()[-1]
    assert " , " not in said.err and "-0.00" not in said.err


def test_only_a_folders_images_have_a_size_to_choose(
    train: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(train, "--image-size", 16, "--channels", 3, "--out", tmp_path / "out") == 2
    assert "--image-size, --channels" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("path", paths.bundled_models(), ids=lambda path: path.stem)
def test_a_bundled_models_card_names_its_likelihood_and_is_small(path: Path) -> None:
    card = read_card(path)
    assert card["likelihood"] == ModelConfig.from_dict(card["config"]).likelihood_title
    assert card["evaluation"]["images"] == 10_000 and card["evaluation"]["split"] == "test"
    assert path.stat().st_size <= 4_000_000
