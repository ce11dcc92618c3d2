"""Metrics in the text format of Prometheus, as the node exporter collects them from a folder.

The format is that of "Exposition formats" in the documentation of Prometheus, version 0.0.4.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite, isnan
from pathlib import Path

from blueattr import atomic

__all__ = ["Metric", "MetricValue", "exposition", "write_metrics"]


@dataclass(frozen=True, slots=True)
class MetricValue:
    """One value of a metric.

    Parameters
    ----------
    value
        The value.
    labels
        Names and values; a value may be any text.
    """

    value: float
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric, with all its values.

    Parameters
    ----------
    name
        Its name without ``blueattr_``, which ends in its unit.
    about
        What it is, in a sentence.
    samples
        Its values; a metric without any is left out.
    kind
        ``gauge``, or ``counter`` for what only grows.
    """

    name: str
    about: str
    samples: Sequence[MetricValue]
    kind: str = "gauge"


def exposition(metrics: Iterable[Metric]) -> bytes:
    r"""Return metrics as text.

    Examples
    --------
    >>> gaps = Metric("gaps", "Gaps.", [MetricValue(2, {"topic": "x"})])
    >>> print(exposition([gaps]).decode(), end="")
    # HELP blueattr_gaps Gaps.
    # TYPE blueattr_gaps gauge
    blueattr_gaps{topic="x"} 2
    """
    lines = []
    for metric in metrics:
        if not metric.samples:
            continue
        name = f"blueattr_{metric.name}"
        lines.append(f"# HELP {name} {_escaped(metric.about, quotes=False)}")
        lines.append(f"# TYPE {name} {metric.kind}")
        for sample in metric.samples:
            labels = ",".join(f'{key}="{_escaped(text)}"' for key, text in sample.labels.items())
            shown = f"{{{labels}}}" if labels else ""
            lines.append(f"{name}{shown} {_number(sample.value)}")
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")


def write_metrics(path: Path, metrics: Iterable[Metric]) -> None:
    """Write metrics to a file, which is whole or not there.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    atomic.write(path, exposition(metrics))


def _escaped(text: str, *, quotes: bool = True) -> str:
    text = text.replace("\\", r"\\").replace("\n", r"\n")
    return text.replace('"', r"\"") if quotes else text


def _number(value: float) -> str:
    if isnan(value):
        return "NaN"
    if not isfinite(value):
        return "+Inf" if value > 0 else "-Inf"
    return (
        str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))
    )
