"""Model files: whole or not at all, checked before a weight is taken, and unable to run code."""

from __future__ import annotations

import json
import os
import pickle
import stat
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from vae_explorer.engine import checkpoint
from vae_explorer.engine.checkpoint import (
    load_model,
    read_card,
    read_tensors,
    save_model,
    write_tensors,
)
from vae_explorer.engine.config import ModelConfig
from vae_explorer.engine.errors import EngineError, InputError, ModelFileError
from vae_explorer.engine.files import check_writable
from vae_explorer.engine.models import build_model

CONFIGS = [
    ModelConfig(),
    ModelConfig(kind="joint-vae", class_names=("a", "b"), classifier="conv", preset="conv"),
    ModelConfig(kind="ppca", latent_dim=3),
    ModelConfig(likelihood="gaussian", learn_variance=True, posterior="isotropic", latent_dim=5),
    ModelConfig(
        likelihood="categorical", levels=4, preset="deep", widths=(8, 7), activation="silu"
    ),
]


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    save_model(path, build_model(ModelConfig(), 1), {"note": "first"})
    return path


def tampered(
    path: Path, change: dict[str, object], tensors: dict[str, torch.Tensor] | None = None
) -> Path:
    """The same file with another header, or other tensors."""
    header = {
        "format": "vae-explorer model 1",
        "config": ModelConfig().to_dict(),
        "card": {},
    } | change
    save_file(tensors or load_file(path), path, metadata={"vae_explorer": json.dumps(header)})
    return path


@pytest.mark.parametrize("config", CONFIGS, ids=lambda c: f"{c.kind}-{c.likelihood}-{c.preset}")
def test_a_model_comes_back_as_it_was(config: ModelConfig, tmp_path: Path) -> None:
    model = build_model(config, 7)
    path = tmp_path / "folder" / "model.safetensors"
    save_model(path, model, {"figures": {"accuracy": 0.5}})
    again = load_model(path)
    assert again.config == config
    assert not again.training
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, again.state_dict()[name])
    assert read_card(path)["figures"] == {"accuracy": 0.5}
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_tensors_go_to_a_file_from_where_they_lie_and_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = torch.arange(12.0).view(3, 4)
    tensors = {"whole": table, "rows": table[1:], "same": table, "turned": table.T}
    tensors |= {"none": torch.empty(0, 3), "own": torch.ones(2), "scalar": torch.tensor(3.5)}
    kinds = ("int64", "float64", "int32", "bfloat16", "float16", "int16", "int8", "uint8", "bool")
    tensors |= {kind: torch.tensor([0, 1, 1], dtype=getattr(torch, kind)) for kind in kinds}
    taken: list[int] = []
    write = checkpoint.write_whole

    def note(path: Path, pieces: Iterable[Any]) -> None:
        held = list(pieces)
        taken.extend(np.frombuffer(piece, np.uint8).ctypes.data for piece in held if len(piece))
        write(path, held)

    monkeypatch.setattr(checkpoint, "write_whole", note)
    path = tmp_path / "some.safetensors"
    write_tensors(path, tensors, {"é": 'of "all" kinds'})
    read, header = read_tensors(path)
    assert header == {"é": 'of "all" kinds'} and read.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert read[name].dtype == tensor.dtype and torch.equal(read[name], tensor)
    for name in ("whole", "same", "own"):
        assert tensors[name].data_ptr() in taken
    with safe_open(path, framework="pt") as file:  # each at a multiple of its width
        assert all(file.get_tensor(n).data_ptr() % t.element_size() == 0 for n, t in read.items())


def test_the_first_weights_depend_on_the_seed_alone_and_leave_the_global_generator_alone() -> None:
    torch.manual_seed(5)
    first = build_model(ModelConfig(), 1).state_dict()
    after = torch.rand(1)
    torch.manual_seed(5)
    assert torch.equal(after, torch.rand(1))
    second = build_model(ModelConfig(), 1).state_dict()
    other = build_model(ModelConfig(), 2).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path, sentence in ((tmp_path / "absent.safetensors", "no file"), (tmp_path, "is a folder")):
        with pytest.raises(ModelFileError, match=sentence):
            load_model(path)


@pytest.mark.parametrize("keep", [0, 4, 100, -1])
def test_a_truncated_file_is_refused(saved: Path, keep: int) -> None:
    saved.write_bytes(saved.read_bytes()[:keep])
    with pytest.raises(ModelFileError):
        load_model(saved)


def test_foreign_files_are_refused(tmp_path: Path) -> None:
    text = tmp_path / "notes.safetensors"
    text.write_text("not a model\n" * 100)
    with pytest.raises(ModelFileError, match="no VAE Explorer model"):
        load_model(text)
    foreign = tmp_path / "foreign.safetensors"
    save_file({"weight": torch.zeros(2)}, foreign)
    with pytest.raises(ModelFileError, match="not one of VAE Explorer"):
        load_model(foreign)


def test_a_pickle_is_refused_and_runs_nothing(tmp_path: Path) -> None:
    marker = tmp_path / "was_here"

    class Malicious:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(marker),)

    path = tmp_path / "model.safetensors"
    path.write_bytes(pickle.dumps(Malicious()))
    with pytest.raises(ModelFileError):
        load_model(path)
    assert not marker.exists()
    pickle.loads(path.read_bytes())
    assert marker.exists()  # the file would have done it


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"format": "another program 9"}, "cannot be opened|can open"),
        ({"config": "everything"}, "can open"),
        ({"config": {"kind": "vae", "surprise": 1}}, "unknown setting: surprise"),
        ({"config": {"kind": "vae", "latent_dim": 0}}, "Latent dim"),
        (
            {
                "config": {
                    "kind": "vae",
                    "latent_dim": 4096,
                    "preset": "deep",
                    "widths": [16384, 16384],
                }
            },
            "contradict",
        ),
        ({"config": ModelConfig(preset="deep", widths=(8,)).to_dict()}, "contradict"),
        ({"config": ModelConfig(latent_dim=1).to_dict()}, "contradict"),
    ],
    ids=str,
)
def test_a_header_that_is_wrong_or_contradicts_the_weights_is_refused(
    saved: Path, change: dict[str, object], sentence: str
) -> None:
    with pytest.raises(ModelFileError, match=sentence):
        load_model(tampered(saved, change))


def test_weights_that_are_no_numbers_are_refused(saved: Path) -> None:
    tensors = load_file(saved)
    tensors["encoder.layers.0.bias"][3] = float("nan")
    with pytest.raises(ModelFileError, match="NaN"):
        load_model(tampered(saved, {}, tensors))


def test_weights_of_another_type_are_refused_by_its_name(saved: Path) -> None:
    tensors = load_file(saved)
    tensors["encoder.layers.0.bias"] = tensors["encoder.layers.0.bias"].double()
    with pytest.raises(ModelFileError, match=r"\) float64, not \(\d+,\) float32"):
        load_model(tampered(saved, {}, tensors))


def test_a_header_of_deep_nonsense_is_refused(saved: Path) -> None:
    for text in ("{", "[]", "[" * 100_000):
        save_file({"a": torch.zeros(1)}, saved, metadata={"vae_explorer": text})
        with pytest.raises(ModelFileError, match="damaged header"):
            load_model(saved)


def test_a_card_that_is_no_card_is_refused(saved: Path) -> None:
    for card in ([1, 2], "trained", 3):
        with pytest.raises(ModelFileError, match="damaged card"):
            read_card(tampered(saved, {"card": card}))


def test_numbers_of_numpys_go_into_a_card(tmp_path: Path) -> None:
    card = {"a": np.float32(0.5), "b": [np.int64(2), {"c": np.array([[1.0, 2.0]])}], "d": None}
    save_model(tmp_path / "m", build_model(ModelConfig()), card)
    read = read_card(tmp_path / "m")
    del read["config"]
    assert read == {"a": 0.5, "b": [2, {"c": [[1.0, 2.0]]}], "d": None}


LOOP: dict[str, object] = {}
LOOP["card"] = LOOP


@pytest.mark.parametrize(
    "card",
    [
        {"config": {}},
        {"a": object()},
        {"a": {1, 2}},
        {"a": np.array([object()])},
        {"a": 1j},
        {("a", "b"): 1},
        LOOP,
        "card",
        3,
    ],
)
def test_what_no_card_can_hold_is_refused_and_nothing_written(saved: Path, card: Any) -> None:
    before = saved.read_bytes()
    with pytest.raises(InputError, match=r"card (has no|is a dictionary).*\.$"):
        save_model(saved, build_model(ModelConfig()), card)
    assert saved.read_bytes() == before


def test_a_name_that_no_file_can_have_is_refused(tmp_path: Path) -> None:
    for save in (check_writable, lambda path: save_model(path, build_model(ModelConfig()))):
        with pytest.raises(EngineError, match="null character"):
            save(tmp_path / "a\0b")


def test_a_failed_save_leaves_the_old_file_and_nothing_else(
    saved: Path, full_disk: Callable[[], None]
) -> None:
    before = saved.read_bytes()
    full_disk()
    with pytest.raises(EngineError, match="No space left"):
        save_model(saved, build_model(ModelConfig(), 2))
    assert saved.read_bytes() == before
    assert [path.name for path in saved.parent.iterdir() if path.is_file()] == [saved.name]
