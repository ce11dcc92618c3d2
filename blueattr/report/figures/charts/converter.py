"""The converter that draws figures, with its own Liberation Sans before that of the machine.

The converter has its own in memory, while it opens a font of the machine anew for each letter that
it measures: a quarter of what a report takes. Both have the same widths. Other fonts of the machine
are found as before, for letters that Liberation Sans has not.
"""

import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

__all__ = ["converter", "font_folders"]


_SETTINGS = Path("/etc/fonts")
_FILE = "FONTCONFIG_FILE"
_FOLDER = re.compile(r"<dir(?P<attributes>[^>]*)>(?P<path>[^<]*)</dir>")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


@cache
def converter() -> Any:
    """Import the converter and have it read its fonts."""
    import vl_convert  # noqa: PLC0415 - starts an engine of its own

    folders = font_folders(os.environ) if sys.platform == "linux" else ()
    if folders:
        none = resources.files("blueattr.report") / "figures/charts/no_fonts.conf"
        with resources.as_file(none) as file, _set(_FILE, str(file)):
            vl_convert.register_font_directory(folders[0])  # it reads its settings with the first
        for folder in folders[1:]:
            vl_convert.register_font_directory(folder)
    return vl_convert


def font_folders(environment: Mapping[str, str], settings: Path = _SETTINGS) -> tuple[str, ...]:
    """Return the folders with fonts that the system's settings name, in their order.

    Parameters
    ----------
    environment
        The variables of this process.
    settings
        The folder of the settings.

    Returns
    -------
    tuple of str
        Empty where settings cannot be read or have what this function does not know, or a user has
        settings of their own: the converter should read these itself.
    """
    home = environment.get("HOME", "")
    own = Path(environment.get("XDG_CONFIG_HOME") or f"{home}/.config") / "fontconfig/fonts.conf"
    files = (settings / "fonts.conf", *sorted((settings / "conf.d").glob("*.conf")))
    if _FILE in environment or not home or own.exists() or (settings / "local.conf").exists():
        return ()
    found = []
    try:
        texts = [_COMMENT.sub("", file.read_text(encoding="utf-8")) for file in files]
    except (OSError, UnicodeDecodeError):
        return ()
    for match in (match for text in texts for match in _FOLDER.finditer(text)):
        path, attributes = match["path"].strip(), match["attributes"].strip()
        if attributes == 'prefix="xdg"':
            path = f"{environment.get('XDG_DATA_HOME') or f'{home}/.local/share'}/{path}"
        elif attributes or "&" in path:
            return ()
        found.append(f"{home}{path[1:]}" if path.startswith("~/") else path)
    return tuple(found)


@contextmanager
def _set(name: str, value: str) -> Iterator[None]:
    """Set a variable of this process, which had none of that name, for a moment."""
    os.environ[name] = value
    try:
        yield
    finally:
        del os.environ[name]
