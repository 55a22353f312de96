from __future__ import annotations

from dataclasses import replace

from gmbench.benchmark.benchmark import load_benchmark
from gmbench.benchmark.leakage import check_splits, twins


def test_no_gm_is_in_test_and_training() -> None:
    assert all(not report.in_training for report in check_splits(load_benchmark("red116")))


def test_twins_across_test_and_training_are_named() -> None:
    first = check_splits(load_benchmark("red116"))[0]
    assert ("BETA_B", "STANDARD_VAE") in first.same_labels
    assert ("PIXELCNN", "FASTPIXEL") in first.same_labels
    assert set(first.same_labels) <= set(first.same_architecture)


def test_constant_columns_and_untrained_classes() -> None:
    benchmark = load_benchmark("red116")
    reports = {report.name: report for report in check_splits(benchmark)}
    assert "loss_mmd" in reports["set_1"].constant
    # The four BETA_* VAEs, STANDARD_VAE and SEAN alone have normalization 3: without SEAN in
    # training, and with the VAEs taken away, its class is unseen.
    names = {"BETA_B", "BETA_H", "BETA_TCVAE", "FACTOR_VAE", "STANDARD_VAE"}
    kept = [row for row, gm in enumerate(benchmark.gms) if gm.name not in names]
    smaller = replace(
        benchmark,
        gms=tuple(benchmark.gms[row] for row in kept),
        n_images=tuple(benchmark.n_images[row] for row in kept),
        sets={"set_4": benchmark.sets["set_4"]},
    )
    assert check_splits(smaller)[0].untrained_classes == (("normalization", 3),)


def test_twins_of_a_set_by_row_and_by_architecture() -> None:
    benchmark = load_benchmark("red116")
    full, architecture = twins(benchmark, "set_1", 25), twins(benchmark, "set_1")
    assert full["BETA_B"] == ("BETA_H", "STANDARD_VAE")
    assert set(full) < set(architecture)
    assert set(full["BETA_B"]) < set(architecture["BETA_B"])
    assert not set(architecture) - set(benchmark.test_gms("set_1"))
