"""Weights w of pixels, channels and entries in the objective: D = sum w_im d(x_im, y_im) for data x and model y."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mffnb.errors import UnsupportedCombinationError
from mffnb.matrices import Chunked, Dense, Gathered, Partial, Selection, scaled
from mffnb.matrices.nested_lists import is_array_like
from mffnb.matrices.partial import weight_times
from mffnb.protocols.axis_distribution import AxisDistribution
from mffnb.protocols.capabilities import declares_traits, traits_of
from mffnb.protocols.matrix import Matrix
from mffnb.protocols.similarity import Similarity
from mffnb.typing import Array, Float64Array

_LARGEST = 1e60  # weights between the inverse of this number and this number: their products stay within float64


@dataclass(frozen=True, eq=False)
class Weighting:
    """Weighted data, and the factors of pixels and channels that undo the weighting in the results.

    Weights of rank one, u_i v_m, are equivalent to data multiplied by a power p of them: p = 1/2 for least squares, p =
    1 for the Kullback-Leibler divergence. The model of the scaled data is diag(u)^p A E diag(v)^p. Weights of single
    entries make the matrix partial, see :class:`mffnb.matrices.Partial`. Only ratios of weights matter.

    Attributes
    ----------
    matrix
        The weighted data matrix, to which the factors are fitted.
    rows, columns
        Factors u^p of the pixels, (own pixels,), and v^p of the channels, (own channels,); None for ones.
    channels
        Weights v of the channels if no power is equivalent to them, (own channels,); None otherwise.
    of_pixels, of_entries
        Whether pixels, or single entries, have weights given by the user.
    """

    matrix: Matrix
    rows: Float64Array | None = None
    columns: Float64Array | None = None
    channels: Float64Array | None = None
    of_pixels: bool = False
    of_entries: bool = False

    @classmethod
    def of(cls, weights: Any, matrix: Matrix, similarity: Similarity) -> Weighting:
        """Multiply a matrix by powers of its weights where that is equivalent; else attach weights to its entries.

        Parameters
        ----------
        weights
            None or "equal"; "poisson" (Keenan & Kotula 2004, Surf. Interface Anal. 36:203: each entry counts in inverse
            proportion to the mean of its pixel and to that of its channel); an array of shape (pixels, 1),
            (1, channels), (pixels, channels), or of one of the two lengths; or a list of these, which multiply. Plain
            numbers in lists of equal lengths are one array.
        matrix
            X, (pixels, channels).
        similarity
            Similarity whose terms are weighted; it defines the power p.

        Raises
        ------
        ValueError
            For a shape that does not fit, for weights that are not positive, and for an empty list.
        UnsupportedCombinationError
            For "poisson" with a likelihood of counts, for weights of entries where X is sparse or in a file, and for
            a similarity that does not declare how weights act on it.
        """
        if weights is not None and not declares_traits(similarity):
            raise UnsupportedCombinationError(
                f"{type(similarity).__name__} declares no traits, so how weights act on it is not known: leave out the "
                "weights, or add traits = SimilarityTraits(weight_power=p, ...) with the power p by which weights "
                "multiply the data"
            )
        power = traits_of(similarity).weight_power
        pixels: Float64Array | None = None
        channels: Float64Array | None = None
        entries: Any = None
        for part in _arrays(weights):
            if part is None or (isinstance(part, str) and part == "equal"):
                continue
            if isinstance(part, str):
                of_pixels, of_channels = _poisson(part, matrix, power)
                pixels, channels = _product(pixels, of_pixels), _product(channels, of_channels)
                continue
            array, axis = _weights_and_axis(part, matrix)
            if axis == 0:
                pixels = _product(pixels, array[matrix.own])
            elif axis == 1:
                channels = _product(channels, array[matrix.own_columns])
            else:
                entries = _product(entries, array[matrix.row_axis.block, matrix.column_axis.block])
        # Only ratios of weights matter. They are normalised, so that a penalty weight has the same meaning for data in
        # any unit.
        pixels = None if pixels is None else pixels / _mean(pixels, matrix, 0)
        channels = None if channels is None else channels / _mean(channels, matrix, 1)
        weighs_pixels, weighs_entries = pixels is not None, entries is not None
        entry_channels: Float64Array | None = None
        if power is None and not (pixels is channels is None):  # no scaling of the data is equivalent to the weights
            outer = OuterWeights.of(pixels, channels, matrix)
            entries = outer if entries is None else entries * outer[:]
            entry_channels, pixels, channels = channels, None, None
        if entries is not None:
            matrix = _with_entry_weights(matrix, entries)
        exponent = 1.0 if power is None else power  # without a power, all weights are applied to entries
        rows = None if pixels is None else pixels**exponent
        columns = None if channels is None else channels**exponent
        matrix = matrix if rows is columns is None else scaled(matrix, rows, columns)
        return cls(matrix, rows, columns, entry_channels, weighs_pixels, weighs_entries)


def with_channel_weights(matrix: Matrix, channels: Float64Array) -> Matrix:
    """Add weights of channels, (channels,), entry by entry to a dense matrix in memory."""
    return _with_entry_weights(matrix, OuterWeights.of(None, channels, matrix))


def _arrays(weights: Any) -> Sequence[Any]:
    """Return the weights that multiply, as a list of arrays and names."""
    if not isinstance(weights, (list, tuple)) or is_array_like(weights):
        return [weights]
    if not weights:
        raise ValueError("weights is an empty list: give at least one array, or weights=None for equal weights")
    return weights


def _product(known: Float64Array | None, more: Float64Array) -> Float64Array:
    """Return the product of two weight arrays, of which None counts as one."""
    return more if known is None else known * more


def _mean(values: Float64Array, matrix: Matrix, axis: int) -> float:
    """Compute the mean of values along one axis of X over all processes."""
    return float(matrix.total(np.array(values.sum()))) / matrix.shape[axis]


def select_pixel_weights(weights: Any, rows: Array, shape: tuple[int, int]) -> Any:
    """Select the weights of the pixels with the indices ``rows`` from weights for a matrix of the given shape."""
    if weights is None or isinstance(weights, str):
        return weights
    if isinstance(weights, (list, tuple)) and not is_array_like(weights):
        return [select_pixel_weights(part, rows, shape) for part in weights]
    array = np.asarray(weights)
    of_pixels = array.shape[0] == shape[0] and array.shape != (shape[1],)
    return array[rows] if of_pixels else array


def _weights_and_axis(weights: Any, matrix: Matrix) -> tuple[Float64Array, int | None]:
    """Return one array of user weights as floats, and its axis: 0 for pixels, 1 for channels, None for entries."""
    array = np.asarray(weights, dtype=np.float64)
    pixels, channels = matrix.shape
    if not np.isfinite(array).all() or array.min(initial=0.0) < 0:
        raise ValueError("weights must be finite and not negative")
    positive = array[array > 0]
    if positive.size and not (positive.min() >= 1 / _LARGEST and positive.max() <= _LARGEST):
        raise ValueError(
            f"weights from {positive.min():.3g} to {positive.max():.3g} are too small or too large for their products: "
            "divide them by their maximum, and mask what has next to no weight"
        )
    if array.shape == (pixels, channels) and 1 not in array.shape:
        if not array.any():
            raise ValueError("all weights are zero: no entry contributes to the objective")
        return array, None
    if array.ndim == 1 and pixels == channels == array.size:
        raise ValueError("as many pixels as channels: pass weights[:, None] for pixels or weights[None] for channels")
    axis = {(pixels,): 0, (pixels, 1): 0, (channels,): 1, (1, channels): 1}.get(array.shape)
    if axis is None:
        raise ValueError(
            f"weights of shape {array.shape} fit neither {pixels} pixels nor {channels} channels: give (pixels, 1), "
            "(1, channels) or (pixels, channels)"
        )
    if array.min() <= 0:
        raise ValueError(
            "weights of pixels and channels must be positive: exclude a pixel or channel with a mask instead"
        )
    return array.ravel(), axis


def _poisson(name: str, matrix: Matrix, power: float | None) -> tuple[Float64Array, Float64Array]:
    """Compute Poisson weights of pixels and channels: the inverses of their mean counts."""
    if name != "poisson":
        raise ValueError(f"weights={name!r} is not known: use 'poisson', 'equal', or arrays")
    if power != 0.5:
        raise UnsupportedCombinationError(
            "Poisson scaling and a similarity with its own noise model, such as the Kullback-Leibler divergence, both "
            "model the same noise: use only one of them"
        )
    of_pixels = matrix.times(np.ones((1, matrix.own_columns.stop - matrix.own_columns.start)))
    of_channels = matrix.transposed_times(np.ones((1, of_pixels.shape[1])))
    counted, seen = np.full_like(of_pixels, matrix.shape[1]), np.full_like(of_channels, matrix.shape[0])
    if not matrix.complete:
        counted = weight_times(matrix, np.ones_like(of_channels))
        seen = weight_times(matrix.transposed, np.ones_like(of_pixels))  # type: ignore[arg-type]
    if matrix.minimum(np.array(min(of_pixels.min(initial=0.0), of_channels.min(initial=0.0)))) < 0:
        raise ValueError("weights='poisson' is for counts, and some sums of the data are negative: clip them first")
    means = of_pixels[0] / np.maximum(counted[0], 1e-300), of_channels[0] / np.maximum(seen[0], 1e-300)
    return _inverse(means[0], matrix), _inverse(means[1], matrix)


def _inverse(mean: Float64Array, matrix: Matrix) -> Float64Array:
    """Return weights 1 / mean; an empty pixel or channel gets the weight of the smallest positive mean."""
    least = float(matrix.minimum(np.array(mean[mean > 0].min(initial=np.inf))))
    return 1.0 / np.maximum(mean, least) if np.isfinite(least) else np.ones_like(mean)


@dataclass(frozen=True, eq=False)
class OuterWeights:
    """Weights u_i v_m of the entries of a block, computed band by band.

    Parameters
    ----------
    rows, columns
        u of the pixels and v of the channels: one number for each, or a single one for all.
    shape
        Numbers of rows and of columns.
    """

    rows: Float64Array
    columns: Float64Array
    shape: tuple[int, int]

    @classmethod
    def of(cls, pixels: Float64Array | None, channels: Float64Array | None, matrix: Matrix) -> OuterWeights:
        """Return the weights of this rank's block, of which the largest on all ranks is 1.

        Parameters
        ----------
        pixels, channels
            Weights of the pixels and channels that this rank owns; None for equal weights.
        matrix
            Data matrix X.
        """

        def of_block(part: Float64Array | None, axis: AxisDistribution) -> Float64Array:
            if part is None:
                return np.ones(1)
            return axis.gather(part / -float(matrix.minimum(np.array(-part.max(initial=0.0)))))

        return cls(of_block(pixels, matrix.row_axis), of_block(channels, matrix.column_axis), matrix.block.shape)

    def __getitem__(self, rows: slice) -> Float64Array:
        """Return rows of the weight matrix u v^T."""
        of_rows = np.broadcast_to(self.rows, self.shape[:1])[rows, None]
        return np.asarray(of_rows * np.broadcast_to(self.columns, self.shape[1:]))

    @property
    def T(self) -> OuterWeights:
        """The transposed weights v u^T."""
        return OuterWeights(self.columns, self.rows, self.shape[::-1])


def _with_entry_weights(matrix: Matrix, entries: Array | OuterWeights) -> Matrix:
    """Add weights of single entries to a dense matrix in memory."""
    weights: Any = entries
    if not isinstance(entries, OuterWeights):
        weights = entries / -float(matrix.minimum(np.array(-entries.max(initial=0.0))))
    block = matrix.block
    if isinstance(block, Partial):
        both = weights if block.weights is None else block.weights * weights[:]
        return matrix.with_block(Partial(block.array, both))
    array = _array_in_memory(block)
    if array is None:
        raise UnsupportedCombinationError(
            "weights of single entries need a dense image in memory: use weights of pixels and channels, or load it"
        )
    return matrix.with_block(Partial(array, weights))


def _array_in_memory(matrix: Matrix) -> Array | Selection | None:
    """Return the array of a dense matrix in memory; None for any other matrix."""
    held: Any = matrix.array if isinstance(matrix, (Dense, Gathered)) else None
    held = matrix.rows if isinstance(matrix, Chunked) else held
    return held if isinstance(held, (np.ndarray, Selection)) else None
