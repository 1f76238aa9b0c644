"""List the Flesch reading ease and the longest sentence of each page that a newcomer reads.

Tables, code, formulas and headings are left out. From the root of the repository::

    python tools/reading_ease.py                        # one line for each page
    python tools/reading_ease.py docs/tuning.md --long  # sentences of more than 25 words as well

Reading ease is ``206.835 - 1.015 words / sentences - 84.6 syllables / words``
(R. Flesch, J. Appl. Psychol. 32, 221 (1948)).
Values above 60 are plain English, values below 30 are difficult. Syllables are counted as groups of vowels without
a silent e: right for most words, and the same for every page.
"""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
LONGEST = 25
"""Words of a sentence."""

ABBREVIATIONS = (
    r"\b(?:e\.g|i\.e|et al|vs|cf|Fig|Eq|Sect|Appl|Phys|Rev|Lett|Opt|Proc|Sci|Trans|Comput|Ann|Statist|Soc|J|R)\."
)


@dataclass(frozen=True)
class Reading:
    """Measures of one page."""

    ease: float
    sentences: list[str]

    @property
    def longest(self) -> int:
        """Words of the longest sentence."""
        return max((len(words(one)) for one in self.sentences), default=0)

    @property
    def long(self) -> list[str]:
        """Sentences with more than 25 words."""
        return [one for one in self.sentences if len(words(one)) > LONGEST]


def pages() -> list[Path]:
    """All pages that a person wrote: the documentation, README and CONTRIBUTING."""
    written = [path for path in (ROOT / "docs").rglob("*.md") if not _made(path)]
    return sorted([*written, ROOT / "README.md", ROOT / "CONTRIBUTING.md"])


def _made(path: Path) -> bool:
    """Whether a page is written by the build of the site from other files."""
    return bool({"_build", "project", "tutorials", "pages", "api"} & set(path.relative_to(ROOT / "docs").parts))


def read(text: str) -> Reading:
    """Measure a page in Markdown.

    >>> read("The cat sat on the mat. It purred.").longest
    6
    """
    found = sentences(text, tables=False)
    count = [word for one in found for word in words(one)]
    if not count:
        return Reading(100.0, found)
    ease = 206.835 - 1.015 * len(count) / len(found) - 84.6 * sum(map(syllables, count)) / len(count)
    return Reading(ease, found)


def sentences(text: str, tables: bool = True) -> list[str]:
    """Return the sentences of a page without its code; each cell of a table and each item of a list is one or more.

    >>> sentences("A b. C `d` e: f")
    ['A b.', 'C code e: f']
    """
    text = re.sub(r"^\s*(`{3,})[^\n]*\n.*?^\s*\1[ ]*$", "\n\n", text, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"^\s*\$\$.*?\$\$[ ]*$", "\n\n", text, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"^:::+.*$", "\n", text, flags=re.MULTILINE)
    text = re.sub(r"<!--.*?-->|^:[\w-]+:.*$|^\(.*\)=$", "", text, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"`[^`]*`", "code", text)
    text = re.sub(r"\$[^$\n]+\$", "formula", text)
    if not tables:
        text = re.sub(r"^\s*(\||#).*$", "\n", text, flags=re.MULTILINE)
    text = re.sub(ABBREVIATIONS, lambda one: one.group().replace(".", ""), text)
    blocks = re.split(r"\n\s*\n|\n(?=\s*(?:[-*#|>]|\d+\.)\s)|\|", text)
    parts = [one for block in blocks for one in re.split(r"(?<=[.?!])[*)]*\s+", " ".join(block.split()))]
    return [one for one in parts if words(one)]


def words(sentence: str) -> list[str]:
    """Return the words of a sentence.

    >>> words("Half-widths don't count twice: 0.5 %")
    ['Half-widths', "don't", 'count', 'twice', '0.5']
    """
    return re.findall(r"\w+(?:[-'.,]\w+)*", sentence)


def syllables(word: str) -> int:
    """Return the number of vowel groups of a word, at least one; digits count as one.

    >>> [syllables(word) for word in ("noise", "image", "spectra", "penalty", "table", "12.5")]
    [1, 2, 2, 3, 2, 1]
    """
    lower = word.lower()
    groups = len(re.findall(r"[aeiouy]+", lower))
    silent = re.search(r"[^aeiouy]e$", lower) and not re.search(r"[^aeiouy]le$", lower)
    ending = re.search(r"[^aeiouytd]ed$", lower)
    return max(groups - bool(silent) - bool(ending), 1)


def main(arguments: list[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("pages", nargs="*", type=Path, help="pages; without any, all of them")
    parser.add_argument("--long", action="store_true", help=f"print each sentence of more than {LONGEST} words")
    given = parser.parse_args(arguments)
    print(f"{'ease':>5} {'longest':>7} {'long':>4}  page")
    for path in given.pages or pages():
        found = read(path.read_text(encoding="utf-8"))
        print(f"{found.ease:5.0f} {found.longest:7} {len(found.long):4}  {path.resolve().relative_to(ROOT)}")
        for one in found.long if given.long else ():
            print(f"{'':18} ({len(words(one))}) {one}")


if __name__ == "__main__":
    main()
