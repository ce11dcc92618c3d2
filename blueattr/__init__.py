"""blueattr: who carried a macro event on Bluesky, at full scale and in a biased sample."""

__version__ = "0.1.0"
