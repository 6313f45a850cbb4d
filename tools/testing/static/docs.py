# SPDX-License-Identifier: GPL-2.0
"""What the documents say about files, and in which order the driver's files need each other."""
from __future__ import annotations

import fnmatch
import graphlib
import re
from pathlib import Path

from kernels.cache import Error

from .builds import MODULE

# A document that has to name every file of a kind.
MAPS = {"Documentation/design/index.md": f"{MODULE}/*.[ch]",
        "Documentation/test-host/scenarios.md": "tools/testing/e2e/scenarios/*.py"}
LINK = re.compile(r"\]\(([^)\s]+)\)")
# A path of ours; what a build or an installation makes has other folders.
PATH = re.compile(r"`((?:tools|drivers/hv|Documentation|include/uapi)/[\w./*-]+)`")
INCLUDE = re.compile(r'^#include "([^"/]+)"', re.MULTILINE)


def documents(root: Path) -> list[Path]:
    """All of our prose."""
    return [root / "README.md", *sorted((root / "Documentation").rglob("*.md"))]


def anchors(text: str) -> set[str]:
    """What a link may name behind '#': headings, as forges write them."""
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
            for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}


def links(root: Path) -> str:
    """Every link and path leads somewhere, and every document is linked from another one."""
    bad: list[str] = []
    linked = {root / "README.md"}
    count = 0
    for path in documents(root):
        text, name = path.read_text(), path.relative_to(root)
        found = [link for link in LINK.findall(text) if "://" not in link]
        for link in found:
            file, _, anchor = link.partition("#")
            target = (path.parent / file).resolve() if file else path
            if not target.exists() or anchor and anchor not in anchors(target.read_text()):
                bad.append(f"{name}: the link {link} leads nowhere")
            if target != path:
                linked.add(target)
        paths = PATH.findall(text)
        bad += [f"{name}: there is no {one}" for one in paths if not list(root.glob(one))]
        count += len(found) + len(paths)
    bad += [f"no document links to {path.relative_to(root)}" for path in documents(root)
            if path not in linked and path.parent not in linked]
    if bad or not count:
        raise Error("\n".join(bad) or "no links")
    return f"{count} links and paths"


def maps(root: Path) -> str:
    """Each file is named where its kind is listed; a header is by its .c file."""
    bad: list[str] = []
    count = 0
    for document, kind in MAPS.items():
        named = re.findall(r"`([\w*]+\.\w+)`", (root / document).read_text())
        for path in sorted(root.glob(kind)):
            if path.stem.endswith(("_kunit", ".mod")):
                continue
            count += 1
            names = {path.name, f"{path.stem}.c"}
            if not any(fnmatch.fnmatch(name, one) for name in names for one in named):
                bad.append(f"{document} does not name {path.name}")
    if bad or not count:
        raise Error("\n".join(bad) or "no files")
    return f"{count} files"


def arrows(root: Path) -> str:
    """No two of the driver's files need each other, however far round.

    NAME.c and NAME.h are one, and so are the files of the pool, whose common header is
    pool_version.h."""
    needs: dict[str, set[str]] = {}
    for path in sorted((root / MODULE).glob("*.[ch]")):
        if not path.stem.endswith(("_kunit", ".mod")):
            one = "pool" if path.stem.startswith("pool") else path.stem
            others = {Path(name).stem for name in INCLUDE.findall(path.read_text())}
            others = {"pool" if name.startswith("pool") else name for name in others}
            needs.setdefault(one, set()).update(others - {one})
    try:
        graphlib.TopologicalSorter(needs).prepare()
    except graphlib.CycleError as error:
        raise Error(f"they need each other: {', '.join(error.args[1])}") from None
    return f"{sum(map(len, needs.values()))} arrows between {len(needs)}"
