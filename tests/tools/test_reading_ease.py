"""Measures of a page's language."""

from __future__ import annotations

import doctest

import pytest

from tools import reading_ease


def test_examples():
    found = doctest.testmod(reading_ease)
    assert found.attempted
    assert not found.failed


def test_easy_text_has_a_higher_value_than_difficult_text():
    easy = reading_ease.read("The cat sat on the mat. It was warm.")
    hard = reading_ease.read("Regularisation considerations necessitate simultaneous multidimensional optimisation.")
    assert easy.ease > 90
    assert hard.ease < 0


@pytest.mark.parametrize(
    "left_out",
    ["# one two three", "| one two three |\n|---|", "```python\none two three\n```", "   ```bash\n   one two\n   ```"],
)
def test_tables_code_and_headings_are_left_out(left_out):
    assert reading_ease.read(f"{left_out}\n\nOnly this.\n").sentences == ["Only this."]


def test_items_and_emphasis_end_a_sentence():
    assert len(reading_ease.sentences("- one two\n- three\n\n**Four five.** Six (seven.) Eight e.g. nine.")) == 5


def test_a_long_sentence_is_found():
    assert reading_ease.read("word " * 26 + "end.").long
    assert not reading_ease.read("word " * 24 + "end.").long


def test_the_pages_hold_readme_and_guides():
    names = {page.name for page in reading_ease.pages()}
    assert {"README.md", "CONTRIBUTING.md", "counts.md", "solvers.md"} <= names
