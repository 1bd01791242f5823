"""The papermill engine: ``papermill in.ipynb out.ipynb --engine activitysmith``.

papermill imports every registered engine when it is imported itself, for whatever run. So this
module loads nothing but papermill's own class, and nothing that happens here keeps it from loading.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

try:
    from papermill.engines import NBClientEngine as _Base
except Exception:  # noqa: BLE001  an engine that cannot be imported breaks papermill for everyone
    _Base = object

__all__ = ["ActivitySmithEngine"]


class ActivitySmithEngine(_Base):  # type: ignore[misc]  # papermill has no types
    """papermill's own engine, with a card and one push for the run.

    Notes
    -----
    A fault of ours never ends the run: the notebook is then executed without a card.
    """

    @classmethod
    def execute_notebook(
        cls, nb: Any, kernel_name: Any, output_path: Any = None, **kwargs: Any
    ) -> Any:
        """Execute a notebook; see papermill's `Engine.execute_notebook`."""
        earlier = None
        with suppress(Exception):
            # Now, since papermill is about to write over the result of the run before.
            from ._earlier import earlier_run  # noqa: PLC0415  only a run needs it

            earlier = earlier_run(output_path)
        return super().execute_notebook(
            nb, kernel_name, output_path=output_path, earlier_run=earlier, **kwargs
        )

    @classmethod
    def execute_managed_notebook(
        cls, nb_man: Any, kernel_name: Any, earlier_run: Any = None, **kwargs: Any
    ) -> Any:
        """Execute the cells; see papermill's `NBClientEngine.execute_managed_notebook`."""
        execute = super().execute_managed_notebook
        try:
            from ._managed import followed  # noqa: PLC0415  only a run needs it

            run = followed(nb_man.nb, kwargs.get("input_path"), earlier_run)
        except Exception:  # noqa: BLE001  whatever it is, it is ours: the notebook runs
            return execute(nb_man, kernel_name, **kwargs)
        with run as hooks:
            return execute(nb_man, kernel_name, **{**hooks, **kwargs})
