"""How to cite, from one source, and the licences of what blueattr needs."""

import importlib
import importlib.metadata
import os
import re
import tomllib
from datetime import date
from types import ModuleType
from typing import Any

import pytest

from blueattr.report import citation
from blueattr.version import __version__
from support.places import ROOT

CFF = ROOT / "CITATION.cff"
README = ROOT / "README.md"
LICENCES = ROOT / "docs" / "licences.md"
WRITE = os.environ.get("BLUEATTR_WRITE_GOLDEN") == "1"


# --- CITATION.cff ---------------------------------------------------------------------------------


def test_the_citation_file_is_what_the_report_cites() -> None:
    if WRITE:
        CFF.write_text(citation.citation_file(), encoding="utf-8")
    assert CFF.read_text(encoding="utf-8") == citation.citation_file()


# What version 1.2.0 of the Citation File Format demands and permits, as far as the file uses it.
_TYPES = {"article", "book", "conference-paper", "generic", "report", "thesis", "unpublished"}
_ENTITY = {"name"}
_REFERENCE = {"type": str, "scope": str, "title": str, "authors": list, "year": int,
              "identifiers": list, "url": str}  # fmt: skip
_FILE = {"cff-version": str, "message": str, "type": str, "title": str, "abstract": str,
         "authors": list, "version": str, "date-released": str, "license": str, "keywords": list,
         "references": list}  # fmt: skip


def faults(found: dict[str, Any]) -> list[str]:
    """Return what the format does not permit in a citation file."""
    wrong = [f"{key} is unknown or no {_FILE.get(key)}" for key, value in found.items()
             if not isinstance(value, _FILE.get(key, ()))]  # fmt: skip
    needed = {"cff-version", "message", "title", "authors"}
    wrong += [f"{key} is missing" for key in needed - found.keys()]
    if wrong:
        return wrong
    if found["cff-version"] != "1.2.0" or found["type"] not in {"software", "dataset"}:
        wrong.append("another version or type")
    date.fromisoformat(found["date-released"])
    if len(set(found["keywords"])) != len(found["keywords"]):
        wrong.append("a keyword is there twice")
    for one in found["references"]:
        if not {"type", "title", "authors"} <= one.keys() or one["type"] not in _TYPES:
            wrong.append(f"the reference lacks its type, title or authors: {one}")
        wrong += [f"references: {key}" for key, value in one.items()
                  if not isinstance(value, _REFERENCE.get(key, ()))]  # fmt: skip
        wrong += [f"identifiers: {given}" for given in one["identifiers"]
                  if given.keys() > {"type", "value", "description"}
                  or given["type"] not in {"doi", "url", "swh", "other"}]  # fmt: skip
    people = [*found["authors"], *(who for one in found["references"] for who in one["authors"])]
    wrong += [f"authors: {who}" for who in people if who.keys() != _ENTITY or not who["name"]]
    return wrong


def parsed(text: str) -> dict[str, Any]:
    yaml = pytest.importorskip("yaml", reason="what reads YAML is not installed")
    found = yaml.safe_load(text)
    assert isinstance(found, dict)
    return found


def test_the_citation_file_is_valid() -> None:
    found = parsed(CFF.read_text(encoding="utf-8"))
    assert faults(found) == []
    # No address, DOI or repository is invented.
    assert found["version"] == __version__
    assert not found.keys() & {"doi", "url", "repository", "repository-code", "contact"}
    assert found["authors"] == [{"name": "The blueattr authors"}]


@pytest.mark.parametrize(
    "change",
    [
        ("title:", "titel:"),
        ("date-released", "released"),
        ("type: software", "type: program"),
        ("type: article", "type: preprint"),
        ("- name: The blueattr", "- author: The blueattr"),
        ("cff-version: 1.2.0", "cff-version: 2.0.0"),
        ("type: other", "type: arxiv"),
    ],
)
def test_what_the_format_does_not_permit_is_noticed(change: tuple[str, str]) -> None:
    text = CFF.read_text(encoding="utf-8")
    assert change[0] in text
    assert faults(parsed(text.replace(*change, 1))) != []


def test_version_date_and_licence_are_those_of_the_project() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    released = dict(re.findall(r"^## (\S+) \((\d{4}-\d\d-\d\d)\)$", changelog, re.MULTILINE))
    assert released[__version__] == citation.RELEASED
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert f"license: {project['license']}\n" in citation.citation_file()
    holder = re.search(r"^Copyright \(c\) \d+ (.+)$", (ROOT / "LICENSE").read_text(), re.MULTILINE)
    assert holder is not None
    assert citation.citation()[0].startswith(holder[1])


def test_the_readme_has_the_same_bibtex() -> None:
    text = README.read_text(encoding="utf-8")
    (block,) = re.findall(r"^```bibtex\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    if WRITE:
        README.write_text(text.replace(block, citation.bibtex()), encoding="utf-8")
        block = citation.bibtex()
    assert block == citation.bibtex()
    assert block.count("{") == block.count("}")


# --- licences -------------------------------------------------------------------------------------


@pytest.fixture
def licences(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(ROOT / "docs")
    return importlib.import_module("licences")


def rows() -> dict[str, str]:
    text = LICENCES.read_text(encoding="utf-8")
    return dict(re.findall(r"^\| (\S+) \| (.+) \| .+ \|$", text, re.MULTILINE)[1:])


def test_the_page_of_licences_is_what_is_installed(licences: ModuleType) -> None:
    if WRITE:
        LICENCES.write_text(licences.page(), encoding="utf-8")
    here = licences.needed()
    assert len(here) > 30
    # Another platform or Python may need fewer or more; what both need must agree.
    listed = rows()
    found = {name: licences.licence(importlib.metadata.distribution(name)) for name in here}
    assert {name: listed.get(name) for name in found} == found


def test_every_dependency_of_the_project_is_on_the_page(licences: ModuleType) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    direct = {licences.name_of(re.split(r"[^\w.-]", one)[0]) for one in project["dependencies"]}
    assert len(direct) > 10
    listed = rows()
    assert direct <= listed.keys()
    locked = (ROOT / "requirements-run.lock").read_text(encoding="utf-8")
    # A package that is locked for every platform is needed on this one, but for what builds.
    everywhere = set(re.findall(r"^(\S+)==\S+ \\$", locked, re.MULTILINE)) - {"setuptools"}
    assert {licences.name_of(name) for name in everywhere} <= listed.keys()


def test_a_package_that_states_no_licence_is_refused(licences: ModuleType) -> None:
    class Silent:
        metadata = importlib.import_module("email.message").Message()
        files = ()

    Silent.metadata["Name"] = "silent"
    with pytest.raises(LookupError, match="silent states no licence"):
        licences.licence(Silent())
