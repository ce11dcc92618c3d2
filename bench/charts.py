"""One chart, drawn by each charting library that is installed: import, time, bytes, accessibility.

Run it with each library in an environment of its own, as in
``python -m venv v && v/bin/pip install matplotlib && v/bin/python bench/charts.py``.
"""

import importlib.util
import io
import json
import sys
import time

X = [k / 300 for k in range(301)]
LINES = {name: [x**power for x in X] for name, power in (("top", 2), ("middle", 5), ("tail", 9))}


def by_matplotlib():
    """Draw with matplotlib: import, then SVG."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.fonttype"] = "none"
    from matplotlib import pyplot as plt

    yield
    figure, axes = plt.subplots(figsize=(6, 4))
    for name, y in LINES.items():
        axes.plot(X, y, label=name)
    axes.set(xlabel="agents", ylabel="share")
    axes.legend()
    out = io.StringIO()
    figure.savefig(out, format="svg")
    plt.close(figure)
    yield out.getvalue()


def _vega():
    values = [
        {"x": x, "y": y, "t": n} for n, line in LINES.items() for x, y in zip(X, line, strict=True)
    ]
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "width": 400,
        "height": 280,
        "data": {"values": values},
        "mark": "line",
        "encoding": {
            "x": {"field": "x", "type": "quantitative", "title": "agents"},
            "y": {"field": "y", "type": "quantitative", "title": "share"},
            "color": {"field": "t", "type": "nominal"},
        },
    }


def by_vl_convert():
    """Draw with Vega-Lite, converted: import, then SVG."""
    import vl_convert

    yield
    yield vl_convert.vegalite_to_svg(_vega())


def by_altair():
    """Draw with Altair over the same converter: import, then SVG."""
    import altair as alt

    yield
    out = io.StringIO()
    alt.Chart.from_dict(_vega()).save(out, format="svg")
    yield out.getvalue()


def by_plotly():
    """Draw with Plotly: import, then HTML with its script."""
    import plotly.graph_objects as go

    yield
    figure = go.Figure([go.Scatter(x=X, y=y, name=name) for name, y in LINES.items()])
    yield figure.to_html(include_plotlyjs=True)


def by_bokeh():
    """Draw with Bokeh: import, then HTML with its script."""
    from bokeh.embed import file_html
    from bokeh.plotting import figure
    from bokeh.resources import INLINE

    yield
    chart = figure()
    for name, y in LINES.items():
        chart.line(X, y, legend_label=name)
    yield file_html(chart, INLINE)


def measure(draw):
    """Take the steps of one library apart."""
    start = time.perf_counter()
    steps = draw()
    next(steps)
    imported = time.perf_counter()
    markup = next(steps)
    drawn = time.perf_counter()
    steps = draw()
    next(steps)
    again = time.perf_counter()
    next(steps)
    return {
        "import_s": round(imported - start, 2),
        "first_s": round(drawn - imported, 2),
        "next_s": round(time.perf_counter() - again, 3),
        "bytes": len(markup.encode()),
        "script": "<script" in markup,
        "style_attributes": markup.count('style="'),
        "aria": markup.count("aria-label"),
        "text_as_text": markup.count("<text"),
    }


for module, draw in (
    ("matplotlib", by_matplotlib),
    ("vl_convert", by_vl_convert),
    ("altair", by_altair),
    ("plotly", by_plotly),
    ("bokeh", by_bokeh),
):
    if importlib.util.find_spec(module):
        print(json.dumps({"library": module, "python": sys.version.split()[0], **measure(draw)}))
