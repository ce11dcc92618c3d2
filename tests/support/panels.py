"""Panels of made-up agents."""

import numpy as np
import polars as pl


def frame(n: int = 600, seed: int = 0) -> pl.DataFrame:
    """Return features with heavy tails of `n` agents, with followers and activity."""
    rng = np.random.default_rng(seed)
    followers = np.floor(rng.pareto(1.0, n) * 5)
    activity = np.floor(rng.pareto(1.0, n) * 2)
    return pl.DataFrame(
        {
            "did": [f"did:plc:{i:06}" for i in rng.permutation(n)],
            "a": np.log1p(activity),
            "b": np.log1p(followers),
            "c": np.log1p(np.floor(rng.pareto(0.8, n))),
            "followers": followers,
            "activity": activity,
        }
    )
