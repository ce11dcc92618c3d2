"""The page of the licences of all packages that blueattr needs, from installed metadata.

``make golden`` writes docs/licences.md; a test compares it with what is installed.
"""

import re
from importlib.metadata import Distribution, distribution

from packaging.markers import UndefinedEnvironmentName
from packaging.requirements import Requirement

_HEAD = """\
# Licences

blueattr is under the MIT licence (`LICENSE`). To run, it needs the packages below, which `make run`
and `pip install` fetch. The table has what each of them states in its metadata, or else in its
licence file. `make golden` writes it from what is installed; `requirements-run.lock` has the
versions.

| package | licence | needed by |
|---|---|---|
"""
_TAIL = """
Packages that only tests, documentation and benchmarks need are not in the table: blueattr runs
without them. Communities need the extra `graph`, which is installed only on demand
(`pip install networkit`): networkit and tabulate under the MIT licence, scipy under BSD-3-Clause.
The extra `deposit` reads metadata of deposits back (`pip install rocrate mlcroissant`): both are
under Apache-2.0, rdflib and pandas, which they need, under BSD-3-Clause. The extra `notify` sends
notices to services (`pip install apprise`): it is under BSD-2-Clause. The extra `tui` is the
terminal app of a watch (`pip install textual`), under the MIT licence; the extra `serve` its page
(`pip install starlette uvicorn`), both under BSD-3-Clause. The extra `cluster` runs tasks on many
machines (`pip install distributed`): it, Dask and most of what they need are under BSD-3-Clause.
"""
# Names that packages use for a licence, and its identifier of SPDX.
_SPDX = {
    "MIT License": "MIT",
    "The MIT License": "MIT",
    "The MIT License (MIT)": "MIT",
    "BSD License": "BSD",
    "ISC License": "ISC",
    "ISC License (ISCL)": "ISC",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}


def name_of(package: str) -> str:
    """Return a package's name in its normal form: lower case, with hyphens."""
    return re.sub(r"[-_.]+", "-", package).lower()


def needed(root: str = "blueattr") -> dict[str, set[str]]:
    """Return every package that another one needs to run here, and what needs it, by name."""
    parents: dict[str, set[str]] = {}
    todo = [root]
    while todo:
        parent = todo.pop()
        for line in distribution(parent).requires or ():
            requirement = Requirement(line)
            if not _applies(requirement):
                continue
            child = name_of(requirement.name)
            if child not in parents:
                todo.append(child)
            parents.setdefault(child, set()).add(name_of(parent))
    return parents


def _applies(requirement: Requirement) -> bool:
    try:
        return requirement.marker is None or requirement.marker.evaluate({"extra": ""})
    except UndefinedEnvironmentName:
        return False


def licence(package: Distribution) -> str:
    """Return the licence that a package states, as an SPDX identifier where it has one.

    Raises
    ------
    LookupError
        When the package states none.
    """
    metadata = package.metadata
    stated = metadata.get("License-Expression") or metadata.get("License") or ""
    if not stated or "\n" in stated or len(stated) > 60:
        kinds = [
            kind.rpartition(" :: ")[2]
            for kind in metadata.get_all("Classifier") or ()
            if kind.startswith("License :: ")
        ]
        stated = " or ".join(kinds) or _first_line(package)
    if not stated:
        message = f"{metadata['Name']} states no licence"
        raise LookupError(message)
    return _SPDX.get(stated, stated)


def _first_line(package: Distribution) -> str:
    for file in package.files or ():
        if re.search(r"(^|/)LICEN[CS]E[^/]*$", str(file), re.IGNORECASE):
            return next(filter(None, map(str.strip, file.read_text().splitlines())), "")
    return ""


def page() -> str:
    """Return the page: a row for each package."""
    rows = [
        f"| {name} | {licence(distribution(name))} | {', '.join(sorted(parents))} |\n"
        for name, parents in sorted(needed().items())
    ]
    return _HEAD + "".join(rows) + _TAIL
