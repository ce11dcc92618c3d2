"""What an attribution depends on: scales, choices, resampling, quadrature."""
