"""Similarities between images, as dot products of one vector per image.

The vectors thus define a similarity: values for pairs, whole matrices and means over pairs follow
from them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
"""One vector per image, shape (images, dimensions)."""

_AT_ONCE = 2**24
"""Numbers that are multiplied at a time: 64 MB."""


def unit_vectors(vectors: NDArray[np.floating]) -> Vectors:
    """Returns unit vectors, whose dot product is the cosine; a zero vector stays zero.

    Args:
        vectors: Shape (images, ...); the remaining axes are flattened.
    """
    flat = vectors.reshape(len(vectors), -1).astype(np.float32)
    length = np.sqrt(np.einsum("ij,ij->i", flat, flat, dtype=np.float64))[:, None]
    return np.asarray(np.divide(flat, length, out=np.zeros_like(flat), where=length > 0))


def fingerprint_vectors(fingerprints: NDArray[np.float32]) -> Vectors:
    """Returns vectors whose dot product is the mean cosine of fingerprints over the views.

    Args:
        fingerprints: Shape (images, views, 3, size, size).
    """
    n, views = fingerprints.shape[:2]
    each = unit_vectors(fingerprints.reshape(n * views, -1))
    return each.reshape(n, -1) / np.float32(np.sqrt(views))


def parsed_vectors(continuous: NDArray[np.floating], classes: NDArray[np.integer]) -> Vectors:
    """Returns the vectors of the paper's similarity of parsed parameters (section 3.4).

    Their dot product is the mean of two terms: the cosine of the continuous parameters, and the
    share of discrete parameters and losses with the same class. Only vectors made together can be
    compared: their dimensions are the classes that occur.

    Args:
        continuous: Normalised values, shape (images, 9).
        classes: Class of each discrete parameter and of each loss, shape (images, 16).
    """
    # The product of one-hot vectors is 1 for two images of the same class, otherwise 0.
    one_hot = [column[:, None] == np.arange(column.max() + 1) for column in classes.T]
    discrete = np.hstack(one_hot) / np.sqrt(2 * classes.shape[1])
    return np.hstack([unit_vectors(continuous) / np.sqrt(2), discrete]).astype(np.float32)


def pair_similarities(
    vectors: Vectors, first: NDArray[np.integer], second: NDArray[np.integer]
) -> NDArray[np.float64]:
    """Returns the similarity of each pair of images, shape (pairs,).

    Args:
        vectors: Vectors of all images.
        first: Row of the first image of each pair, shape (pairs,).
        second: Row of the second image of each pair, shape (pairs,).
    """
    found = np.empty(len(first))
    step = max(1, _AT_ONCE // vectors.shape[1])
    for start in range(0, len(first), step):
        part = slice(start, start + step)
        found[part] = np.einsum("ij,ij->i", vectors[first[part]], vectors[second[part]])
    return found


def similarity_matrix(one: Vectors, other: Vectors) -> NDArray[np.float32]:
    """Returns the similarity between each of some images and each of others, (images, others).

    Args:
        one: Vectors of the images.
        other: Vectors of the others, with the same number of dimensions.
    """
    found = np.empty((len(one), len(other)), np.float32)
    np.matmul(one, other.T, out=found)
    return found


def gm_similarities(vectors: Vectors, gms: NDArray[np.integer]) -> NDArray[np.float64]:
    """Returns the mean similarity between the images of every two GMs, over all pairs of images.

    The mean of the products is the product of the means; within a GM, the pairs of an image with
    itself are excluded.

    Args:
        vectors: Vectors of all images.
        gms: GM of each image, numbered from 0, shape (images,); every GM has an image.

    Returns:
        Shape (GMs, GMs); NaN on the diagonal for a GM with one image.
    """
    counts = np.bincount(gms)
    means = np.stack(
        [vectors[gms == gm].mean(axis=0, dtype=np.float64) for gm in range(len(counts))]
    )
    found = means @ means.T
    own = np.array(
        [(vectors[gms == gm].astype(np.float64) ** 2).sum() for gm in range(len(counts))]
    )
    within = counts**2 * np.diag(found) - own
    pairs = counts * (counts - 1)
    found[np.diag_indices(len(counts))] = np.divide(
        within, pairs, out=np.full(len(counts), np.nan), where=pairs > 0
    )
    return np.asarray(found)
