"""Settings of the documentation: ``python -m sphinx -W -b html docs docs/_build/html``."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "_ext"), str(HERE.parent)]

import part_pictures  # noqa: E402
import part_steps  # noqa: E402, F401  registers its pictures

import mffnb  # noqa: E402

project = "mffnb"
author = "the mffnb developers"
project_copyright = author
version = release = mffnb.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_design",
    "offline_math",
    "written_pages",
]
templates_path = ["_templates"]
exclude_patterns = ["_build", "_ext"]
root_doc = "index"

# Pages in Markdown and notebooks with the outputs that they store: no code is run.
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 4
nb_execution_mode = "off"
nb_ipywidgets_js: dict[str, dict[str, str]] = {}
suppress_warnings = ["mystnb.unknown_mime_type", "ref.python"]  # several classes have an attribute `shape`

# Names whose files would differ in case only, which some file systems do not keep apart.
autosummary_filename_map = {"mffnb.stream": "mffnb.stream_function", "mffnb.open": "mffnb.open_function"}
autosummary_context = {"pictures": part_pictures.images()}
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
add_module_names = False
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False

# Everything that a page loads comes with it, formulas included.
html_math_renderer = "mathtext"
html_theme = "pydata_sphinx_theme"
html_title = "mffnb"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_show_sourcelink = False
html_copy_source = False
# Pages without others below them have no menu at the side.
html_sidebars = {page: [] for page in ("index", "install", "first_map", "project/contributing", "project/changelog")}
html_theme_options = {
    "navbar_end": ["theme-switcher"],
    "secondary_sidebar_items": ["page-toc"],
    "show_prev_next": False,
    "header_links_before_dropdown": 6,
    "collapse_navigation": True,
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
copybutton_exclude = ".linenos, .gp, .go"
