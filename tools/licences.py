"""Write docs/licences.md: the licence of every package that an installation brings, from its metadata.

python tools/licences.py            # write the page; all extras must be installed
python tools/licences.py --check    # fail if a package that pyproject.toml names is missing from the page
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterable, Sequence
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "licences.md"
USERS = ("", "lab", "io", "mpi")
TITLES = {
    "": "The default installation",
    "lab": "Added by the extra `lab`",
    "io": "Added by the extra `io`",
    "mpi": "Added by the extra `mpi`",
    "developers": "For developers only: the extras `test`, `docs`, `lint` and `release`",
}
INTRODUCTION = """\
<!-- Written by tools/licences.py: do not edit. -->
# Licences

mffnb has the licence BSD-3-Clause. Its scripts for the browser contain one package of others: d3-format, licensed ISC.
The wheel holds both licences. The packages below are installed beside mffnb. Their own metadata state these licences.

The default installation has no package under the GPL. The extra `io` has: RosettaSciIO is licensed GPL-3.0-or-later.
If you distribute a program together with RosettaSciIO, follow that licence.
"""
BSD = re.compile(r"BSD[ -](\d)[ -]Clause.*", re.IGNORECASE)
SHORT = {
    "Apache 2.0": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD",
    "CeCILL-B FREE SOFTWARE LICENSE AGREEMENT": "CeCILL-B",
    "ISC License (ISCL)": "ISC",
    "ISC license": "ISC",
    "MIT License": "MIT",
    "MIT license": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "PSFL": "PSF",
    "Python Software Foundation License": "PSF",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page, or check that it names all packages of pyproject.toml; return the exit code."""
    if "--check" in (sys.argv[1:] if arguments is None else arguments):
        listed = set(re.findall(r"^\| ([\w.-]+) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
        missing = sorted(name for names in direct().values() for name in names if name not in listed)
        if missing:
            print(f"docs/licences.md lacks {', '.join(missing)}: run tools/licences.py")
        return bool(missing)
    PAGE.write_text(page(), encoding="utf-8")
    return 0


def direct() -> dict[str, list[str]]:
    """Return the packages that pyproject.toml names, by extra; "" is the default installation."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = {"": project["dependencies"], **project["optional-dependencies"]}
    groups.pop("all")
    return {group: [normal(Requirement(line).name) for line in lines] for group, lines in groups.items()}


def normal(name: str) -> str:
    """Write a package's name in lower case with hyphens, as package indexes compare names."""
    return re.sub(r"[-_.]+", "-", name).lower()


def closure(names: Iterable[str]) -> set[str]:
    """Return these packages and all that they need, as far as they are installed on this platform."""
    found: set[str] = set()
    waiting = [(name, "") for name in names]
    seen: set[tuple[str, str]] = set()
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        found.add(name)
        for line in metadata.requires(name) or []:
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                waiting += [(normal(needed.name), one) for one in ("", *sorted(needed.extras))]
    return found


def licence(name: str) -> str:
    """Return the licence in the metadata of a package: the expression, the short field, or the classifiers."""
    about = metadata.metadata(name)
    if about["License-Expression"]:
        return str(about["License-Expression"])
    field = (about["License"] or "").strip()
    kinds = [one.split(" :: ")[-1] for one in about.get_all("Classifier") or [] if one.startswith("License ::")]
    kinds = [SHORT.get(one, one) for one in kinds if one not in {"OSI Approved", "DFSG approved"}]
    if field and "\n" not in field and field != "UNKNOWN" and (len(kinds) < 2 or kinds == ["BSD"]):
        return SHORT.get(field, BSD.sub(r"BSD-\1-Clause", field))
    return " or ".join(kinds) or of_the_file(name)


def of_the_file(name: str) -> str:
    """Return the first line of the licence file, for packages whose metadata state none."""
    files = [one for one in metadata.files(name) or [] if re.match(r"(LICEN[CS]E|COPYING)", one.name)]
    first = files[0].read_text().strip().splitlines()[0] if files else ""
    return SHORT.get(first, first) or "not stated"


def page() -> str:
    """Return the text of the page; a package stands in the first table that needs it."""
    groups = direct()
    developers = [name for group, names in groups.items() if group not in USERS for name in names]
    text, before = INTRODUCTION, {"mffnb"}
    for group, title in TITLES.items():
        roots = developers if group == "developers" else groups[group]
        names = sorted(closure(roots) - before)
        before |= set(names)
        rows = (f"| {name} | {licence(name)} | {'yes' if name in roots else ''} |" for name in names)
        text += f"\n## {title}\n\n| package | licence | named by mffnb |\n|---|---|---|\n" + "\n".join(rows) + "\n"
    return text


if __name__ == "__main__":
    sys.exit(main())
