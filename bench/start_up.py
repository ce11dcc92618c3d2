"""Measure start-up in this process: seconds to import, and to load the compiled kernels.

python bench/start_up.py
"""

import json
import time


def main() -> None:
    """Import, attribute by each built-in indicator once, and print both durations as JSON."""
    start = time.perf_counter()
    import numpy as np

    from blueattr.attribution.value import solve
    from blueattr.indicators.base import Aggregator, FeatureArrays
    from blueattr.indicators.builtin import INDICATORS

    imported = time.perf_counter()
    a, b, c = np.random.default_rng(0).lognormal(size=(3, 200_000))
    for indicator in INDICATORS.values():
        solve(indicator, FeatureArrays(a, b, c), Aggregator())
    print(json.dumps({"imports": imported - start, "kernels": time.perf_counter() - imported}))


if __name__ == "__main__":
    main()
