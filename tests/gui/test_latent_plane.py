"""Planes through a latent space, paths in it, and the thinning of snapshots: plain numpy."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vae_explorer.gui.controller.layers import grid, grid_shape
from vae_explorer.gui.latent_plane import (
    LatentPlane,
    axis_title,
    collapsed,
    nearest,
    spherical_path,
    straight_path,
)
from vae_explorer.gui.snapshot_history import Snapshot, SnapshotHistory


@given(
    dim=st.integers(2, 8),
    seed=st.integers(0, 100),
    principal=st.booleans(),
)
def test_what_is_lifted_projects_back(dim: int, seed: int, principal: bool) -> None:
    random = np.random.default_rng(seed)
    plane = LatentPlane.of_axes(dim, (dim - 1, 0))
    if principal and dim > 2:
        plane = LatentPlane.principal(random.normal(size=(50, dim)))
    plane = plane.with_rest(random.normal(size=dim))
    points = random.normal(size=(20, 2))
    np.testing.assert_allclose(plane.project(plane.lift(points)), points, atol=1e-4)


def test_what_lies_off_the_plane_stays() -> None:
    plane = LatentPlane.of_axes(4, (1, 3)).with_rest(np.array([5.0, 6.0, 7.0, 8.0]))
    np.testing.assert_allclose(plane.lift(np.array([[0.1, 0.2]])), [[5.0, 0.1, 7.0, 0.2]])
    moved = plane.with_coordinate(0, -1.0)
    np.testing.assert_allclose(moved.lift(np.array([[0.1, 0.2]]))[0, 0], -1.0)


@pytest.mark.parametrize("principal", [False, True])
def test_a_parallel_plane_has_the_same_points_at_the_same_places(principal: bool) -> None:
    random = np.random.default_rng(2)
    codes = random.normal(size=(50, 5)).astype(np.float32)
    plane = LatentPlane.principal(codes) if principal else LatentPlane.of_axes(5, (3, 1))
    for parallel in (plane.with_coordinate(0, 2.0), plane.with_rest(codes[7])):
        np.testing.assert_allclose(parallel.project(codes), plane.project(codes))
    np.testing.assert_allclose(parallel.lift(parallel.project(codes[7]))[0], codes[7], atol=1e-5)


def test_the_principal_plane_is_where_the_codes_differ_most() -> None:
    random = np.random.default_rng(1)
    codes = random.normal(size=(500, 5)) * np.array([0.1, 3.0, 0.1, 2.0, 0.1]) + 1.0
    plane = LatentPlane.principal(codes)
    assert abs(plane.basis[0, 1]) > 0.99
    assert abs(plane.basis[1, 3]) > 0.99
    assert (plane.basis[[0, 1], [1, 3]] > 0).all()  # a direction has no sign of its own
    np.testing.assert_allclose(plane.project(codes).mean(axis=0), 0, atol=1e-4)


def test_the_covariance_on_a_plane_is_that_of_projected_draws() -> None:
    random = np.random.default_rng(0)
    std = np.array([0.3, 2.0, 1.0])
    codes = random.normal(size=(50, 3)) @ random.normal(size=(3, 3)) + 1.0
    tilted = LatentPlane.principal(codes)
    draws = tilted.project(codes[0] + std * random.normal(size=(200_000, 3)))
    factor = tilted.project_std(std)
    np.testing.assert_allclose(factor @ factor.T, np.cov(draws.T), atol=0.02)
    assert abs(factor[1, 0]) > 0.1, "the ellipse is tilted"
    plane = LatentPlane.of_axes(3, (2, 0))
    np.testing.assert_allclose(plane.project_std(std), np.diag([1.0, 0.3]))
    np.testing.assert_allclose(LatentPlane.of_axes(1).project_std(std[:1]), np.diag([0.3, 0.0]))
    np.testing.assert_allclose(tilted.prior_mean, tilted.project(np.zeros(3))[0], atol=1e-6)
    assert np.abs(tilted.prior_mean).max() > 0.1
    assert LatentPlane.of_axes(1).prior_mean == (0.0, 0.0)


def test_one_dimension_is_spread_out_to_be_seen() -> None:
    plane = LatentPlane.of_axes(1)
    codes = np.linspace(-1, 1, 100)[:, None]
    points = plane.project(codes)
    np.testing.assert_allclose(points[:, 0], codes[:, 0], atol=1e-6)
    assert np.ptp(points[:, 1]) > 1
    assert plane.project(codes[3])[0, 1] == 0.0
    assert plane.lift(points).shape == (100, 1)


def test_an_axis_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="two different axes"):
        LatentPlane.of_axes(3, (1, 1))


def test_paths_begin_and_end_where_they_should() -> None:
    a, b = np.array([1.0, 0.0, 0.0]), np.array([0.0, 3.0, 0.0])
    for path in (straight_path, spherical_path):
        codes = path(a, b, 9)
        np.testing.assert_allclose(codes[[0, -1]], [a, b], atol=1e-6)
    lengths = np.linalg.norm(spherical_path(a, b, 9), axis=1)
    np.testing.assert_allclose(lengths, np.linspace(1, 3, 9), atol=1e-6)


@pytest.mark.parametrize("b", [[0.0, 0.0], [-1.0, 0.0], [2.0, 0.0]])
def test_where_there_is_no_circle_the_line_is_taken(b: list[float]) -> None:
    a = np.array([1.0, 0.0])
    np.testing.assert_allclose(spherical_path(a, np.array(b), 5), straight_path(a, np.array(b), 5))


def test_small_things() -> None:
    assert axis_title(0) == "z₁"
    assert axis_title(11) == "z₁₂"
    assert collapsed(np.array([1.0, 0.001])).tolist() == [False, True]
    assert nearest(np.array([[0.0, 0.0], [1.0, 1.0]]), np.array([0.9, 0.8])) == 1


def test_a_grid_has_square_cells_and_its_top_row_first() -> None:
    extent = (-2.0, 2.0, -1.0, 1.0)
    rows, columns = grid_shape(extent, 8)
    assert (rows, columns) == (4, 8)
    lines = list(grid(extent, rows, columns))
    np.testing.assert_allclose(lines[0][0], [-1.75, 0.75])
    np.testing.assert_allclose(lines[-1][-1], [1.75, -0.75])


def snapshot(epoch: float, value: float = 0.0) -> Snapshot:
    return Snapshot(epoch, {"w": torch.full((256,), value)})


@given(count=st.integers(1, 300), most=st.integers(3, 20))
def test_snapshots_thin_out_evenly_and_keep_both_ends(count: int, most: int) -> None:
    history = SnapshotHistory(most=most)
    for epoch in range(count):
        history.add(snapshot(epoch))
    epochs = [each.epoch for each in history]
    assert epochs[0] == 0
    assert epochs[-1] == count - 1
    assert len(epochs) <= most
    gaps = np.diff(epochs[:-1])
    assert len(set(gaps.tolist())) <= 1  # but for the newest, at equal distances


def test_snapshots_fit_their_budget() -> None:
    history = SnapshotHistory(budget=10 * 1024)
    for epoch in range(100):
        history.add(snapshot(epoch))
    assert sum(history[i].size for i in range(len(history))) <= 10 * 1024


def test_all_moments_but_the_newest_are_of_half_precision() -> None:
    history = SnapshotHistory()
    for epoch in range(4):
        history.add(snapshot(epoch, 1.0 + 1e-7))
    history.end(Snapshot(1, {"w": torch.full((256,), 1.0 + 1e-7)}, is_best=True))
    precisions = [each.state["w"].dtype for each in history]
    assert precisions == [torch.float16] * 3 + [torch.float32] * 2
    assert history._bytes == sum(each.size for each in list(history)[:-1])


def test_weights_that_are_no_numbers_are_forgotten() -> None:
    history = SnapshotHistory()
    history.drop_broken()
    for epoch, value in enumerate((0.0, 1.0, float("nan"), float("inf"))):
        history.add(snapshot(epoch, value))
    history.drop_broken()
    assert [each.epoch for each in history] == [0, 1]


def test_the_best_weights_are_the_last_moment_and_are_there_once() -> None:
    history = SnapshotHistory()
    for epoch in range(4):
        history.add(snapshot(epoch))
    history.end(Snapshot(3, {}, is_best=True))
    assert [(each.epoch, each.is_best) for each in history] == [
        *((epoch, False) for epoch in range(3)),
        (3, True),
    ]
    history.clear()
    for epoch in range(4):
        history.add(snapshot(epoch))
    history.end(Snapshot(1, {}, is_best=True))
    assert [each.epoch for each in history] == [0, 1, 2, 3, 1]
    history.clear()
    assert len(history) == 0


def test_of_many_long_codes_none_is_copied_to_project_them_or_to_find_the_nearest() -> None:
    codes = np.random.default_rng(0).normal(size=(2000, 512)).astype(np.float32)
    point = codes[1234] + np.float32(0.01)
    plane = LatentPlane.of_axes(512, (3, 5)).with_rest(point)
    assert nearest(codes, point) == int(((codes - point) ** 2).sum(axis=1).argmin()) == 1234
    for work in (lambda: nearest(codes, point), lambda: plane.project(codes)):
        tracemalloc.start()
        work()
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert most < codes.nbytes / 10
