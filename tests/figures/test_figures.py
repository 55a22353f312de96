"""What is drawn is what was measured."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.container import BarContainer
from matplotlib.patches import Rectangle
from PIL import Image
from sklearn.metrics import confusion_matrix, f1_score

from gmbench import figures
from gmbench.applications.attack import judge
from gmbench.benchmark.benchmark import Benchmark
from gmbench.errors import UnknownNameError
from gmbench.evaluation.evaluate import evaluate
from gmbench.figures.fingerprints import mean_spectrum
from gmbench.figures.parameters import GROUPS, coarse_f1
from gmbench.figures.similarity import ordered
from gmbench.figures.style import COLOURS, PAGE, FigureError
from gmbench.files import WriteError
from gmbench.predictions.predictions import Predictions, read_predictions
from tests.applications.attacks import images_of, similarity_of

Named = dict[str, Predictions]
SUBMISSIONS = Path(__file__).parents[2] / "leaderboard" / "submissions"


def bars(axes: Axes, number: int = 0) -> BarContainer:
    """The bars of one method."""
    return [one for one in axes.containers if isinstance(one, BarContainer)][number]


def heights(axes: Axes, number: int = 0) -> list[float]:
    return [float(patch.get_height()) for patch in bars(axes, number).patches]


def half_bars(axes: Axes, number: int = 0) -> list[float]:
    """Half of the length of each bar's error bar."""
    container = bars(axes, number)
    assert container.errorbar is not None
    (lines,) = container.errorbar.lines[2]
    return [float(np.ptp(segment[:, 1])) / 2 for segment in lines.get_segments()]


def test_bars_of_the_architecture(predictions: Named) -> None:
    drawn = figures.architecture_scores(predictions)
    left, right = drawn.axes
    for number, one in enumerate(predictions.values()):
        expected = evaluate(one, replicates=0).parameters
        of = list(expected.values())
        assert heights(left, number) == pytest.approx([p.values["l1"] for p in of[:9]])
        assert heights(right, number) == pytest.approx([p.values["f1"] for p in of[9:15]])
        # The spread over the sets, of the first count.
        errors = np.abs(
            one.benchmark.normalise(one.values.continuous)
            - one.benchmark.normalise(one.benchmark.labels[one.gms, :9])
        )[:, 0]
        by_set = [errors[one.sets == number].mean() for number in range(4)]
        assert half_bars(left, number)[0] == pytest.approx(np.std(by_set))
    assert [text.get_text() for text in drawn.legends[0].get_texts()] == ["one", "two"]


def test_names_of_methods_are_shown_as_they_are(predictions: Named, tmp_path: Path) -> None:
    one = predictions["one"]
    names = ["_mine", "$x^$", *(f"a_method_with_a_long_name_{number}" for number in range(6))]
    drawn = figures.architecture_scores(dict.fromkeys(names, one))
    legend = drawn.legends[0]
    assert [text.get_text().strip() for text in legend.get_texts()] == names
    figures.save_figure(drawn, tmp_path / "a.svg")
    # None of it lies beyond the edge of the page.
    ends = legend.get_window_extent()
    assert 0 <= ends.x0 < ends.x1 <= drawn.bbox.x1
    drawn = figures.confusion_matrices(dict.fromkeys(names[1:3], one), ["upsampling"])
    figures.save_figure(drawn, tmp_path / "b.svg")
    assert "$x^$" in (tmp_path / "b.svg").read_text()


def test_bars_of_the_losses_fine_and_coarse(predictions: Named) -> None:
    drawn = figures.loss_scores(predictions)
    coarse, fine = drawn.axes
    one = predictions["one"]
    expected = list(evaluate(one, replicates=0).parameters.values())[15:]
    assert heights(fine) == pytest.approx([p.values["f1"] for p in expected])
    assert heights(coarse) == pytest.approx(coarse_f1(one).mean(axis=0))
    assert [len(members) for members in GROUPS.values()] == [4, 5, 1]


def test_a_group_of_losses_is_used_where_one_of_them_is(predictions: Named) -> None:
    one = predictions["one"]
    truth = one.benchmark.labels[one.gms, 15:]
    found = coarse_f1(one)
    for number in range(4):
        among = one.sets == number
        for group, (first, last) in enumerate(((0, 4), (4, 9), (9, 10))):
            used = truth[among, first:last].max(axis=1) >= 0.5
            said = one.values.losses[among, first:last].max(axis=1) >= 0.5
            expected = f1_score(used, said, average="weighted", zero_division=0)
            assert found[number, group] == pytest.approx(expected)


def test_a_point_a_gm(predictions: Named) -> None:
    one = predictions["one"]
    drawn = figures.gm_scores(one)
    expected = evaluate(one, replicates=0).gms.values()
    for axes, score in zip(drawn.axes, ("arch_accuracy", "loss_accuracy"), strict=True):
        points = np.concatenate([np.asarray(c.get_offsets()) for c in axes.collections])
        wanted = np.array([(gm.l1, getattr(gm, score)) for gm in expected])
        drawn_by_l1, wanted_by_l1 = (one[one[:, 0].argsort()] for one in (points, wanted))
        np.testing.assert_allclose(drawn_by_l1, wanted_by_l1)


def test_names_of_the_worst_gms_cover_nothing() -> None:
    committed = SUBMISSIONS / "mini116_full" / "predictions.parquet"
    for axes in figures.gm_scores(read_predictions(committed, "mini116")).axes:
        boxes = [text.get_window_extent() for text in axes.texts]
        offsets = np.concatenate([np.asarray(c.get_offsets()) for c in axes.collections])
        points = axes.transData.transform(offsets)
        assert len(boxes) == 3
        for number, box in enumerate(boxes):
            assert box.count_contains(points) == 0
            assert box.count_overlaps(boxes[:number]) == 0
            assert axes.bbox.containsx(box.x0)
            assert axes.bbox.containsx(box.x1)


def test_columns_of_a_confusion_matrix_are_true_classes(predictions: Named) -> None:
    one = predictions["one"]
    drawn = figures.confusion_matrices(predictions, ["normalization", "loss_ce"])
    matrices = [np.asarray(a.images[0].get_array()) for a in drawn.axes if a.images]
    assert [m.shape for m in matrices] == [(4, 4), (2, 2)] * 2
    truth = one.benchmark.labels[one.gms]
    counts = confusion_matrix(truth[:, 9], one.values.discrete[:, 0], labels=range(4))
    np.testing.assert_allclose(matrices[0], (counts / counts.sum(axis=1, keepdims=True)).T)
    with pytest.raises(UnknownNameError, match="Class parameter 'layers'"):
        figures.confusion_matrices(predictions, ["layers"])
    with pytest.raises(FigureError, match="a prediction file and a parameter"):
        figures.confusion_matrices({})


def test_a_mark_a_gm_in_each_map_of_the_labels(benchmark: Benchmark) -> None:
    drawn = figures.label_map(benchmark)
    for axes in drawn.axes:
        assert sum(np.asarray(c.get_offsets()).size for c in axes.collections) == 2 * 116
    again = figures.label_map(benchmark)
    for one, other in zip(drawn.axes, again.axes, strict=True):
        for c, d in zip(one.collections, other.collections, strict=True):
            assert np.array_equal(c.get_offsets(), d.get_offsets())
    with pytest.raises(FigureError, match="four or more"):
        figures.label_map(replace(benchmark, gms=benchmark.gms[:3], n_images=(3, 3, 3)))


def fingerprints_of(benchmark: Benchmark, n: int = 3) -> dict[str, np.ndarray]:
    """Each GM has a wave of its own in noise."""
    generator = np.random.default_rng(0)
    rows = np.arange(16)
    return {
        gm: (
            np.cos(2 * np.pi * (2 + number) * rows / 16)
            + 0.3 * generator.normal(size=(n, 2, 3, 16, 16))
        ).astype(np.float32)
        for number, gm in enumerate(list(benchmark.index)[:5])
    }


def test_fingerprints_and_spectra(benchmark: Benchmark) -> None:
    found = fingerprints_of(benchmark)
    drawn = figures.fingerprint_spectra(found)
    (axes,) = drawn.axes
    assert len(axes.images) == 10
    assert [text.get_text() for text in axes.texts] == [gm.replace("_", " ") for gm in found]
    first = next(iter(found.values()))
    # Grey grows with the mean fingerprint.
    shown, mean = np.asarray(axes.images[0].get_array())[..., 0], first.mean(axis=(0, 1, 2))
    assert np.corrcoef(shown.ravel(), mean.ravel())[0, 1] > 0.99
    spectrum = mean_spectrum(first)
    assert spectrum.shape == (16, 16)
    # A wave of frequency 2 along the rows, the middle being 0.
    assert divmod(int(spectrum.argmax()), 16) in ((8, 6), (8, 10))
    by_hand = np.mean(
        [abs(np.fft.fft2(channel)) for image in first for view in image for channel in view], axis=0
    )
    np.testing.assert_allclose(spectrum, np.fft.fftshift(by_hand), rtol=1e-5)
    with pytest.raises(FigureError, match="one GM at least"):
        figures.fingerprint_spectra({})


def test_the_matrix_of_fingerprints(benchmark: Benchmark) -> None:
    found = fingerprints_of(benchmark)
    drawn = figures.fingerprint_similarity(benchmark, found)
    axes = drawn.axes[0]
    matrix = np.asarray(axes.images[0].get_array())
    names, clusters = ordered(benchmark, list(found), seed=0)
    kinds = [benchmark.gm(gm).kind for gm in names]
    texts = axes.texts[len(set(kinds)) :]
    # A row's name, then its column's.
    for row, column, place in zip(texts[::2], texts[1::2], range(len(names)), strict=True):
        assert row.get_text() == column.get_text() == names[place].replace("_", " ")
        assert (row.get_position()[1], column.get_position()[0]) == (place, place)
    assert kinds == sorted(kinds, key=["GAN", "VAE", "AR", "AA", "NF", "DM"].index)
    boxes = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    assert len(boxes) == len(set(clusters))
    one, other = found[names[0]], found[names[1]]
    cosines = [
        np.mean(
            [
                (a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum())
                for a, b in zip(first, second, strict=True)
            ]
        )
        for first in one
        for second in other
    ]
    assert matrix[0, 1] == pytest.approx(np.mean(cosines), abs=1e-5)
    assert np.diag(matrix).min() > matrix[~np.eye(5, dtype=bool)].max()
    with pytest.raises(FigureError, match="has one"):
        figures.fingerprint_similarity(benchmark, {gm: f[:1] for gm, f in found.items()})


def test_bars_of_the_attack() -> None:
    images = images_of()
    result = judge(
        images, [similarity_of(images, 1.5)], told=("toy", "1", "s"), n_pairs=40, replicates=50
    )
    drawn = figures.attack_categories(result)
    left, right = drawn.axes
    categories = result.methods["s"].categories.values()
    assert heights(left) == pytest.approx([c.share_of_wrong for c in categories])
    assert sum(heights(left)) == pytest.approx(1)
    assert heights(right) == pytest.approx([c.wrong.value for c in categories])
    ends = [c.wrong.ci for c in categories]
    assert half_bars(right) == pytest.approx([(e[1] - e[0]) / 2 for e in ends if e])


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_a_saved_figure_is_the_same_every_time(
    ending: str, predictions: Named, tmp_path: Path
) -> None:
    path, again = tmp_path / f"a.{ending}", tmp_path / f"b.{ending}"
    figures.save_figure(figures.loss_scores(predictions), path)
    figures.save_figure(figures.loss_scores(predictions), again)
    assert path.read_bytes() == again.read_bytes()
    if ending == "png":
        assert Image.open(path).width == round(PAGE * 300)
    else:
        assert path.read_bytes().startswith({"svg": b"<?xml", "pdf": b"%PDF"}[ending])
    with pytest.raises(WriteError, match=r"take .png, .svg or .pdf"):
        figures.save_figure(figures.loss_scores(predictions), tmp_path / "a.jpg")


def test_colours_differ_for_the_colour_blind() -> None:
    """Under the dichromacies of Viénot, Brettel and Mollon (1999) no two become one."""
    to_lms = np.array(
        [[17.8824, 43.5161, 4.11935], [3.45565, 27.1554, 3.86714], [0.0299566, 0.184309, 1.46709]]
    )
    protan = np.array([[0, 2.02344, -2.52581], [0, 1, 0], [0, 0, 1]])
    deutan = np.array([[1, 0, 0], [0.494207, 0, 1.24827], [0, 0, 1]])
    rgb = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in COLOURS]) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    for blindness in (np.eye(3), protan, deutan):
        seen = linear @ to_lms.T @ blindness.T @ np.linalg.inv(to_lms).T
        shown = np.clip(seen, 0, 1) ** (1 / 2.2)
        distance = np.linalg.norm(shown[:, None] - shown[None], axis=2)
        assert distance[~np.eye(len(COLOURS), dtype=bool)].min() > 0.12


def test_no_method_or_too_many(predictions: Named) -> None:
    with pytest.raises(FigureError, match="1 to 8 methods; given are 0"):
        figures.architecture_scores({})
    many = {str(number): predictions["one"] for number in range(9)}
    with pytest.raises(FigureError, match="given are 9"):
        figures.loss_scores(many)
