"""The kinds of arrays that the analysis passes around."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[Any]
"""Whole numbers of any width, such as the codes of levels."""
Counts = NDArray[np.int64]
Numbers = NDArray[Any]
"""Whole or floating numbers, such as counts that a model may smooth."""
Mask = NDArray[np.bool_]
