"""Studies of an attribution: scales, choices, resampling, quadrature, baselines."""
