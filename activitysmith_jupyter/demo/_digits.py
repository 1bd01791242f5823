"""A small neural network that learns to read handwritten digits, in numpy.

The data are 1,797 digits of 8 x 8 pixels (see DATA.md). Training images are shifted by up to one
pixel at random, so that there is always something left to learn.
"""

from __future__ import annotations

import csv
import gzip
import io
from importlib import resources
from typing import TYPE_CHECKING, Final

import attrs
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Integers = NDArray[np.int64]

__all__ = ["Classifier", "Digits", "load_digits"]

SIDE: Final = 8
CLASSES: Final = 10
_GREY_LEVELS: Final = 16
_TEST_SHARE: Final = 0.2


@attrs.frozen(eq=False)
class Digits:
    """Images and labels, split for training and testing.

    Attributes
    ----------
    train_images, test_images : ndarray of float32, shape (n, 8, 8)
        Grey levels, 0 to 1.
    train_labels, test_labels : ndarray of int64, shape (n,)
        0 to 9.
    """

    train_images: Floats
    train_labels: Integers
    test_images: Floats
    test_labels: Integers


def load_digits(rng: np.random.Generator) -> Digits:
    """Read the data set that comes with the package and split it at random, 80 to 20."""
    packed = resources.files(__package__).joinpath("digits.csv.gz").read_bytes()
    rows = csv.reader(io.StringIO(gzip.decompress(packed).decode("ascii")))
    table = np.array([[int(cell) for cell in row] for row in rows], dtype=np.int64)
    images = (table[:, :-1].reshape(-1, SIDE, SIDE) / _GREY_LEVELS).astype(np.float32)
    labels = table[:, -1]
    order = rng.permutation(len(labels))
    cut = int(len(labels) * _TEST_SHARE)
    test, train = order[:cut], order[cut:]
    return Digits(images[train], labels[train], images[test], labels[test])


class Classifier:
    """One hidden layer, softmax, momentum: enough for digits.

    Parameters
    ----------
    rng : numpy.random.Generator
        For the first weights.
    hidden : int, default 128
        Units of the hidden layer.
    learning_rate : float, default 0.02
        Step size.
    """

    def __init__(
        self, rng: np.random.Generator, *, hidden: int = 128, learning_rate: float = 0.02
    ) -> None:
        pixels = SIDE * SIDE
        self._weights: list[Floats] = [
            rng.normal(0, np.sqrt(2 / pixels), (pixels, hidden)).astype(np.float32),
            np.zeros(hidden, np.float32),
            rng.normal(0, np.sqrt(2 / hidden), (hidden, CLASSES)).astype(np.float32),
            np.zeros(CLASSES, np.float32),
        ]
        self._momenta = [np.zeros_like(weight) for weight in self._weights]
        self._rate = learning_rate

    def _forward(self, images: Floats) -> tuple[Floats, Floats]:
        flat = images.reshape(len(images), -1)
        w1, b1, w2, b2 = self._weights
        hidden = np.maximum(flat @ w1 + b1, 0)
        scores = hidden @ w2 + b2
        scores = np.exp(scores - scores.max(axis=1, keepdims=True))
        return hidden, scores / scores.sum(axis=1, keepdims=True)

    def accuracy(self, images: Floats, labels: Integers) -> float:
        """Return the share of images that are read rightly, 0 to 1."""
        _, chances = self._forward(images)
        return float((chances.argmax(axis=1) == labels).mean())

    def learn(self, images: Floats, labels: Integers) -> float:
        """Take one step of gradient descent and return the mean cross entropy before it.

        Parameters
        ----------
        images : ndarray of float32, shape (batch, 8, 8)
        labels : ndarray of int64, shape (batch,)
        """
        hidden, chances = self._forward(images)
        rows = np.arange(len(labels))
        loss = float(-np.log(chances[rows, labels] + 1e-9).mean())
        error = chances
        error[rows, labels] -= 1
        error /= len(labels)
        behind = (error @ self._weights[2].T) * (hidden > 0)
        flat = images.reshape(len(images), -1)
        gradients = [flat.T @ behind, behind.sum(axis=0), hidden.T @ error, error.sum(axis=0)]
        for place, gradient in enumerate(gradients):
            self._momenta[place] = 0.9 * self._momenta[place] - self._rate * gradient
            self._weights[place] += self._momenta[place]
        return loss


def shifted(images: Floats, rng: np.random.Generator) -> Floats:
    """Return the images, all moved by the same random step of at most one pixel each way."""
    down, right = rng.integers(-1, 2, size=2)
    return np.roll(images, (int(down), int(right)), axis=(1, 2))
