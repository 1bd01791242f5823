"""Where the code runs: the notebook's or script's name, and the IPython shell if there is one."""

from __future__ import annotations

import os
import sys
from pathlib import PurePath
from typing import Any, Final

__all__ = ["ipython_shell", "notebook_path", "place_name"]

# Our runners set the first, JupyterLab and Notebook the second for every kernel.
_VARIABLES: Final = ("ACTIVITYSMITH_NOTEBOOK", "JPY_SESSION_NAME")
# What VS Code, and papermill with --inject-paths, write into the kernel's namespace.
_NAMES: Final = ("__vsc_ipynb_file__", "PAPERMILL_INPUT_PATH")


def ipython_shell() -> Any:
    """Return the running IPython shell, or None; never imports IPython."""
    ipython = sys.modules.get("IPython")
    if ipython is None:
        return None
    get = getattr(ipython, "get_ipython", None)
    return get() if get is not None else None


def notebook_path() -> str:
    """Return the notebook's path, or as much of it as the kernel knows; empty if unknown."""
    told = next(filter(None, map(os.environ.get, _VARIABLES)), "")
    space = getattr(ipython_shell(), "user_ns", {})
    return told or str(next(filter(None, map(space.get, _NAMES)), ""))


def place_name() -> str:
    """Return the file name of the notebook or script without its ending; empty if unknown.

    Examples
    --------
    ``Churn model`` for a kernel of ``work/Churn model.ipynb``, ``train`` for ``python train.py``.
    """
    if ipython_shell() is not None:
        path = notebook_path()
        return PurePath(path.replace("\\", "/")).stem if path else ""
    main = getattr(sys.modules.get("__main__"), "__file__", None)
    return PurePath(main).stem if main else ""
