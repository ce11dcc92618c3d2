"""Metadata of a deposit that other programs read: RO-Crate 1.1 and Croissant 1.0; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from blueattr.report.fields import Field
from blueattr.report.tables import Json
from blueattr.version import __version__

__all__ = ["CRATE", "CROISSANT", "DepositFile", "DepositName", "crate", "croissant"]


CRATE = "ro-crate-metadata.json"
CROISSANT = "croissant.json"


_TYPES = {"int": "sc:Integer", "float": "sc:Float", "share": "sc:Float", "bool": "sc:Boolean"}
_FLOATS = {"a", "b", "c"}
# The context that mlcommons.org/croissant/1.0 gives.
_CONTEXT: dict[str, Json] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    **{
        name: f"cr:{name}"
        for name in (
            "citeAs", "column", "equivalentProperty", "extract", "field", "fileProperty",
            "fileObject", "fileSet", "format", "includes", "isLiveDataset", "jsonPath", "key",
            "md5", "parentField", "path", "recordSet", "references", "regex", "repeated",
            "replace", "samplingRate", "separator", "source", "subField", "transform",
        )
    },
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "sc": "https://schema.org/",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class DepositName:
    """What a deposit is, in its own words.

    Parameters
    ----------
    title, about
        Its name, and a few sentences.
    licence
        An SPDX identifier or an address.
    deposited
        The day on which it was made.
    """

    title: str
    about: str
    licence: str
    deposited: date


@dataclass(frozen=True, slots=True)
class DepositFile:
    """A file of a deposit.

    Parameters
    ----------
    name
        In the folder.
    about
        What it holds, in a sentence.
    form
        Its media type.
    size
        Bytes.
    sha256
        Of its bytes.
    """

    name: str
    about: str
    form: str
    size: int
    sha256: str


def crate(name: DepositName, files: Sequence[DepositFile]) -> dict[str, Json]:
    """Describe a deposit as an RO-Crate.

    Parameters
    ----------
    name
        What it is.
    files
        All that it holds but the crate itself.

    Notes
    -----
    RO-Crate 1.1, https://w3id.org/ro/crate/1.1.
    """
    address = _address(name.licence)
    program = "#blueattr"
    return {
        "@context": "https://w3id.org/ro/crate/1.1/context",
        "@graph": [
            {
                "@id": CRATE,
                "@type": "CreativeWork",
                "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
                "about": {"@id": "./"},
            },
            {
                "@id": "./",
                "@type": "Dataset",
                "name": name.title,
                "description": name.about,
                "datePublished": name.deposited.isoformat(),
                "license": {"@id": address},
                "hasPart": [{"@id": one.name} for one in files],
            },
            *(
                {
                    "@id": one.name,
                    "@type": "File",
                    "name": one.name,
                    "description": one.about,
                    "encodingFormat": one.form,
                    "contentSize": str(one.size),
                    "sha256": one.sha256,
                }
                for one in files
            ),
            {
                "@id": address,
                "@type": "CreativeWork",
                "name": name.licence,
                "description": f"The licence of this deposit: {name.licence}",
            },
            {
                "@id": program,
                "@type": "SoftwareApplication",
                "name": "blueattr",
                "version": __version__,
            },
            {
                "@id": "#made",
                "@type": "CreateAction",
                "name": "blueattr deposit",
                "instrument": {"@id": program},
                "endTime": name.deposited.isoformat(),
                "result": {"@id": "./"},
            },
        ],
    }


def croissant(
    name: DepositName,
    files: Sequence[DepositFile],
    tables: Mapping[str, Sequence[tuple[str, Field[Any]]]],
) -> dict[str, Json]:
    """Describe a deposit's tables as Croissant.

    Parameters
    ----------
    name
        What it is.
    files
        Those to describe.
    tables
        Of each CSV file its columns.

    Notes
    -----
    Croissant 1.0, https://docs.mlcommons.org/croissant/docs/croissant-spec.html.
    """
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "name": name.title,
        "description": name.about,
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "license": _address(name.licence),
        "version": "1.0.0",
        "datePublished": name.deposited.isoformat(),
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": one.name,
                "name": one.name,
                "description": one.about,
                "contentUrl": one.name,
                "encodingFormat": one.form,
                "contentSize": f"{one.size} B",
                "sha256": one.sha256,
            }
            for one in files
        ],
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": file.removesuffix(".csv"),
                "name": file.removesuffix(".csv"),
                "field": [
                    {
                        "@type": "cr:Field",
                        "@id": f"{file.removesuffix('.csv')}/{column}",
                        "name": column,
                        "description": field.sentence,
                        "dataType": "sc:Float" if column in _FLOATS else _type(field),
                        "source": {
                            "fileObject": {"@id": file},
                            "extract": {"column": column},
                        },
                    }
                    for column, field in columns
                ],
            }
            for file, columns in tables.items()
        ],
    }


def _type(field: Field[Any]) -> str:
    return _TYPES.get(field.kind, "sc:Text")


def _address(licence: str) -> str:
    return licence if licence.startswith("https://") else f"https://spdx.org/licenses/{licence}"
