"""Attribution methods: the paper's network, and the baselines of its Table 12.

Each takes the training images of every class and the test images, and returns the predicted class
of each test image.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gmbench.applications.attribution_data import ClassImages
from gmbench.data.rgb import Pixels
from gmbench.errors import naming_extras
from gmbench.progress import Progress
from gmbench.training.classify import ClassifierJob, log_probabilities, train_classifier

Classes = NDArray[np.int64]


@dataclass(frozen=True)
class AttributionTask:
    """What a method is trained and tested on.

    Attributes:
        train: Training images of each class.
        test: Images to attribute.
        genuine: Name of the class of real images; None if there is none.
        jobs: Training job of each network, by method name.
        seed: Seed for everything else that is random.
        progress: Progress callback of a training.
    """

    train: Mapping[str, ClassImages]
    test: ClassImages
    genuine: str | None
    jobs: Mapping[str, ClassifierJob]
    seed: int = 0
    progress: Progress | None = None

    @property
    def labels(self) -> Classes:
        """Class index of each training image, class by class."""
        counts = [len(one.units) for one in self.train.values()]
        return np.repeat(np.arange(len(counts)), counts)


def by_fingerprint(task: AttributionTask) -> Classes:
    """Attributes by the paper's fingerprint network, two convolutions and two dense layers."""
    return _by_network(task, "fingerprint")


def by_gan_fingerprint(task: AttributionTask) -> Classes:
    """Attributes by the network of Yu et al. (`gmbench.models.gan_fingerprint`)."""
    return _by_network(task, "gan_fingerprint")


def by_neighbours(task: AttributionTask) -> Classes:
    """Attributes by the k nearest training images in pixel space, with k by cross-validation."""
    from sklearn.model_selection import GridSearchCV
    from sklearn.neighbors import KNeighborsClassifier

    search = GridSearchCV(KNeighborsClassifier(), {"n_neighbors": [1, 3, 5, 9]}, cv=3)
    search.fit(_flat(_training(task)), task.labels)
    return np.asarray(search.predict(_flat(task.test.whole)))


def by_eigenface(task: AttributionTask) -> Classes:
    """Attributes by a support vector machine on whitened principal components of whole images."""
    from sklearn.decomposition import PCA
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import SVC

    images = _flat(_training(task))
    # Further components, once whitened, are noise.
    components = PCA(min(100, len(images) // 4), whiten=True, random_state=task.seed)
    told = make_pipeline(components, SVC(class_weight="balanced"))
    return np.asarray(told.fit(images, task.labels).predict(_flat(task.test.whole)))


def by_prnu(task: AttributionTask) -> Classes:
    """Attributes by noise that all images of a class share, as with sensors (Lukas et al., 2006).

    The pattern of a class is the mean noise residual of its images; an image is assigned to the
    class whose pattern correlates most with its own residual (Marra et al., MIPR 2019, do so for
    GANs).
    """
    patterns = np.stack(
        [_normalised(noise_residuals(one.whole).mean(axis=0)) for one in task.train.values()]
    )
    residuals = np.stack([_normalised(one) for one in noise_residuals(task.test.whole)])
    return np.asarray((residuals @ patterns.T).argmax(axis=1))


NETWORKS: Mapping[str, Mapping[str, Mapping[str, object]]] = {
    "gan_fingerprint": {
        "paper": {"method": "gan_fingerprint"},
        "small": {"method": "gan_fingerprint", "model.widths": [8, 16, 32, 64]},
    },
    "fingerprint": {
        "paper": {"model.widths": [64, 128]},
        "small": {"model.widths": [32, 64]},
    },
}
"""Changes to each classifier preset, by method that trains a network."""

METHODS: Mapping[str, Callable[[AttributionTask], Classes]] = {
    "knn": by_neighbours,
    "eigenface": by_eigenface,
    "prnu": by_prnu,
    "gan_fingerprint": by_gan_fingerprint,
    "fingerprint": by_fingerprint,
}
"""Methods by name, in the order of Table 12."""


def noise_residuals(images: Pixels) -> NDArray[np.float64]:
    """Returns what a wavelet denoiser removes from images, shape (images, side, side, 3).

    Args:
        images: Shape (images, side, side, 3).

    Raises:
        MissingPackageError: scikit-image or PyWavelets is not installed.
    """
    with naming_extras():
        import pywt  # noqa: F401 - scikit-image names it late, and in a way of its own
        from skimage.restoration import denoise_wavelet

    values = images.astype(np.float64) / 255
    # Flat images have no noise, so estimating its strength divides by zero.
    with np.errstate(divide="ignore", invalid="ignore"):
        clean = np.stack([denoise_wavelet(one, channel_axis=-1) for one in values])
    return np.asarray(np.nan_to_num(values - clean))


def _by_network(task: AttributionTask, method: str) -> Classes:
    job = task.jobs[method]
    classes = {name: [one.views] for name, one in task.train.items()}
    run = train_classifier(job, classes, task.genuine, progress=task.progress)
    told = log_probabilities(run.network, task.test.views, job.config, job.device)
    return np.asarray(told.argmax(axis=1))


def _training(task: AttributionTask) -> Pixels:
    return np.concatenate([one.whole for one in task.train.values()])


def _flat(images: Pixels) -> NDArray[np.float32]:
    return np.asarray(images.reshape(len(images), -1) / np.float32(255))


def _normalised(pattern: NDArray[np.float64]) -> NDArray[np.float64]:
    flat = pattern.ravel() - pattern.mean()
    norm = float(np.linalg.norm(flat))
    return np.asarray(flat / norm if norm else flat)
