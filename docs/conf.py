"""Sphinx settings: everything comes from the environment, the pages ask nothing from outside."""

from activitysmith_jupyter import __version__

project = "activitysmith-jupyter"
author = "The activitysmith-jupyter developers"
release = version = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = "activitysmith-jupyter"
exclude_patterns = ["_build"]
autodoc_typehints = "none"
napoleon_google_docstring = False
napoleon_use_rtype = False
