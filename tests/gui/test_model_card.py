"""A model's card as rows."""

from __future__ import annotations

from vae_explorer.engine.config import ModelConfig, TrainingConfig
from vae_explorer.gui.model_card import card_html, card_rows

CARD = {
    "command": "python train.py --epochs <3>",
    "dataset": "MNIST",
    "train_images": 55000,
    "epochs": 3,
    "best_epoch": 2,
    "evaluation": {
        "dataset": "MNIST",
        "split": "test",
        "images": 500,
        "images_in_split": 10000,
        "seed": 3,
        "binarisation": "fixed binarisation, rounded at one half",
        "unit": "nats",
        "figures": [
            {
                "title": "ELBO ≤ log p(x)",
                "value": -90.5,
                "unit": "nats per image",
                "standard_error": 0.456,
                "samples": 5000,
            },
            {
                "title": "accuracy of q(y|x)",
                "value": 0.9953,
                "unit": "fraction",
                "standard_error": 0.003,
            },
            {"title": "active units of 16", "value": 12, "unit": "dimensions"},
            {"title": "log π_y", "value": -2.3, "unit": "nats per image"},
            {"title": "not a number", "value": None, "unit": "fraction"},
        ],
    },
}


def test_a_card_tells_what_is_known_and_nothing_else() -> None:
    rows = dict(card_rows(ModelConfig(preset="deep", widths=(3, 2)), CARD))
    assert rows["Model"] == "VAE p(x), d = 2"
    assert rows["Networks"] == "3-2 Leaky ReLU"
    assert rows["Data"] == "MNIST, 55,000 training images"
    assert rows["Weights of"] == "epoch 2 of 3"
    assert rows["Measured on"] == (
        "MNIST, test split, the first 500 of 10,000 images, seed 3; "
        "fixed binarisation, rounded at one half; log-likelihoods in nats"
    )
    on_cuda = CARD | {"evaluation": CARD["evaluation"] | {"device": "cuda"}}  # type: ignore[operator]
    assert "seed 3 on cuda; " in dict(card_rows(ModelConfig(), on_cuda))["Measured on"]
    assert rows["ELBO ≤ log p(x)"] == "−90.50 ± 0.46, 5,000 samples"
    assert rows["accuracy of q(y|x)"] == "99.53 ± 0.30 %"
    assert rows["active units of 16"] == "12"
    assert "not a number" not in rows
    assert [name for name, _ in card_rows(ModelConfig(kind="ppca"), {})] == ["Model", "Likelihood"]


def test_a_card_tells_how_the_model_was_trained_where_not_by_default() -> None:
    config = ModelConfig(
        kind="joint-vae", class_names=("a", "b"), posterior="isotropic", classifier="conv"
    )
    training = TrainingConfig(
        beta=0.5, classification_weight=50.0, samples=5, seed=3, optimizer="adamax", labels=100
    ).to_dict()
    card = {"training": training, "epochs": 4, "epoch": 1.0, "half_precision": True}
    rows = dict(card_rows(config, {**card, "learned_class_prior": [0.5, 0.5]}))
    assert rows["Model"] == "Joint VAE p(x, y), d = 2"
    assert "M2 with labels (Kingma" in rows["Known as"] and "not the" in rows["Known as"]
    assert rows["Posterior"] == "q(z|x, y), isotropic"
    assert rows["Networks"].endswith("classifier q(y|x): convolutional")
    assert rows["Training"] == "optimizer adamax, M = 5, β = 0.5, λ = 50.0, labels 100, seed 3"
    assert rows["Weights of"] == "epoch 1.00 of 4, in half precision"
    assert rows["Class prior π"] == "edited by hand"
    default = {"training": TrainingConfig().to_dict()}
    assert dict(card_rows(config, default))["Training"] == "all settings by default"


def test_a_card_tells_what_a_training_began_with_and_what_was_changed_amid_it() -> None:
    card = {**CARD, "changed_live": {"beta": 4.0}, "started_from": "the weights of a trained model"}
    rows = dict(card_rows(ModelConfig(), card))
    assert rows["Changed during it"] == "in the end β = 4.0"
    assert rows["Began with"] == "the weights of a trained model"
    assert "Changed during it" not in dict(card_rows(ModelConfig(), {**CARD, "changed_live": 3}))


def test_a_command_is_broken_before_options_alone_and_can_be_copied_to_a_shell() -> None:
    command = "python train.py --model joint-vae --dataset mnist --preset deep --widths 384,256"
    html = card_html(ModelConfig(), {"command": f"{command} --learning-rate 0.002 --threads 1"})
    made = html[html.index(">python") + 1 : html.index("</pre>")]
    assert made.replace(" \\\n ", "") == f"{command} --learning-rate 0.002 --threads 1"
    assert len(made.splitlines()) > 1
    assert all(line.startswith("  --") for line in made.splitlines()[1:])


def test_a_variance_that_was_learned_is_told() -> None:
    ppca, vae = ModelConfig(kind="ppca"), ModelConfig(likelihood="gaussian", learn_variance=True)
    assert dict(card_rows(ppca, {}, 0.052345))["σ²"] == "0.05235, of pixels in [0, 1]"
    assert dict(card_rows(vae, {}, 0.01))["η²"] == "0.01, of pixels in [0, 1]"
    fixed = ModelConfig(likelihood="gaussian", variance=0.01)  # its likelihood says it
    assert "η²" not in dict(card_rows(fixed, {}, 0.01))
    assert "η²" not in dict(card_rows(ModelConfig(), {}, None))


def test_an_evaluation_that_lacks_its_head_shows_what_it_has() -> None:
    figures = [{"title": "ELBO ≤ log p(x)", "value": -90.5, "samples": "many"}]
    card = {"evaluation": {"dataset": "MNIST", "split": "test", "figures": figures}}
    rows = dict(card_rows(ModelConfig(), card))
    assert rows["Measured on"] == "MNIST, test split"
    assert rows["ELBO ≤ log p(x)"] == "−90.50"


def test_markup_in_a_card_is_shown_and_not_obeyed() -> None:
    assert "--epochs &lt;3&gt;" in card_html(ModelConfig(), CARD)
    assert "<b>log π<sub>y</sub></b>" in card_html(ModelConfig(), CARD)
    assert "<b>Model</b>" in card_html(ModelConfig(), CARD)
