"""Where the project's files are, from wherever a test stands."""

from pathlib import Path

ROOT = next(p for p in Path(__file__).resolve().parents if (p / "pyproject.toml").exists())
GOLDEN = ROOT / "tests" / "golden"
GOLDEN_FIGURES = ROOT / "tests" / "golden_figures"
SHARED = ROOT.parent / "shared" / "data"
"""Real captures, on machines that have them; tests that read them are skipped elsewhere."""
