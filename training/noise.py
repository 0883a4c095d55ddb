"""Pairs that do not go together: found by how far the head itself sees them apart, and drawn less often.

Source: Li, Socher & Hoi 2020, "DivideMix": the losses of clean and of noisy pairs are two heaps, and a mixture of two
Gaussians tells how likely a pair is of which. Here the heaps are of similarities.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_MIN_PAIRS = 100
_APART = 2.0


def trust_in_pairs(similarities: NDArray[np.float32], *, floor: float) -> NDArray[np.float64]:
    """How far each pair can be believed, float64 `(n,)` in `[floor, 1]`.

    All ones where there are too few pairs to tell, or where the two heaps are one: their means nearer to each other
    than two of the wider one's standard deviations.

    Args:
        similarities: Cosine of each pair in the head's space, float32 `(n,)`.
        floor: Of a pair that is surely wrong.
    """
    from sklearn.mixture import GaussianMixture

    if len(similarities) < _MIN_PAIRS:
        return np.ones(len(similarities))
    rows = similarities.reshape(-1, 1).astype(np.float64)
    mixture = GaussianMixture(n_components=2, random_state=0, reg_covar=1e-5).fit(rows)
    means, spreads = mixture.means_.ravel(), np.sqrt(mixture.covariances_.ravel())
    clean = int(np.argmax(means))
    if means[clean] - means[1 - clean] < _APART * spreads.max():
        return np.ones(len(similarities))
    probabilities = mixture.predict_proba(rows)[:, clean]
    # A Gaussian's far tail can outweigh the other's: nothing above the clean mean is noise.
    probabilities[similarities >= means[clean]] = 1.0
    return floor + (1.0 - floor) * np.asarray(probabilities, dtype=np.float64)
