"""What a run would do, in words, without doing any of it."""

from blueattr.errors import BlueattrError
from blueattr.file_lock import lock_holder
from blueattr.indicators.find import find_indicator
from blueattr.report.numbers import lasting, listed, plural
from blueattr.runs.history.record import lock_file
from blueattr.runs.plan import Archive, Files, Following, Plan
from blueattr.runs.publish import latest
from blueattr.runs.telling.settings import OF_RUNS
from blueattr.sources import files
from blueattr.store.store_file import store_file

__all__ = ["intent"]


def intent(plan: Plan) -> list[tuple[str, str]]:
    """Return what a run would do: a verb and its object a line.

    Nothing is read but names of files, nothing is sent, nothing is written.
    """
    lines = [_of_source(source) for source in plan.sources] or [("read", "nothing new")]
    is_there = store_file(plan.query.db).exists()
    lines.append(("store", f"into {plan.query.db}{'' if is_there else ', which it makes'}"))
    indicators = [find_indicator(one).name for one in plan.question.indicators]
    lines.append(("report", f"on {listed(plan.topics)}, by {listed(indicators)}"))
    lines.append(("write", f"{listed(plan.forms)} into a new folder of {plan.reports}"))
    made = latest(plan.reports)
    lines.append(("unless", f"it has the same numbers as {made['run']}") if made else ("", ""))
    if plan.keep is not None:
        lines.append(("remove", f"all but the {plural(plan.keep, 'latest report')}"))
    lines += _of_telling(plan)
    going = lock_holder(lock_file(plan.reports))
    if going is not None:
        lines.append(("not now", f"another run is going into {plan.reports}: process {going}"))
    return [line for line in lines if line[0]]


def _of_source(source: Files | Following | Archive) -> tuple[str, str]:
    if isinstance(source, Following):
        most = lasting(source.limit.total_seconds())
        return "follow", f"{source} until there is no more, for {most} at most"
    if isinstance(source, Archive):
        return "fetch", f"a past window from the {source}"
    found = 0
    trouble = []
    for argument in source.arguments:
        try:
            found += len(files.find([argument], source.kind))
        except BlueattrError as error:
            trouble.append(str(error))
    what = plural(found, "file")
    return "read", "; ".join([f"what is new in {what} of {source}", *trouble])


def _of_telling(plan: Plan) -> list[tuple[str, str]]:
    telling = plan.telling
    lines = []
    if telling.ping is not None:
        lines.append(("ping", telling.ping.host))
    if telling.metrics is not None:
        lines.append(("write", f"metrics to {telling.metrics}"))
    names = [one.name for one in telling.destinations]
    if names:
        kinds = [kind for kind in telling.kinds if kind in OF_RUNS]
        lines += [("tell", f"{listed(names)} of {listed(kinds)}")] if kinds else []
        lines += [("tell", f"them if {one.subject} is {one.bound}") for one in telling.conditions]
    return lines
