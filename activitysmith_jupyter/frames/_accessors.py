"""`df.activity`: there in every order of imports, though nothing is imported for it.

What is loaded already gets its accessors at once. For what is not, a finder waits in
``sys.meta_path``: it finds nothing itself, lets the ordinary finders do their work, and adds the
accessors when the module has run. It changes neither the module's loader nor its spec, and leaves
when pandas and polars have both come.
"""

from __future__ import annotations

import importlib
import sys
from functools import partial
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

__all__ = ["NAME", "register_accessors"]

NAME: Final = "activity"
FRAME: Final = "_kpis.kpis"
SERIES: Final = "_series.series_kpis"
# Survives a reload of this module, after which our classes are other objects of the same name.
_MARK: Final = "__activitysmith_accessor__"


class PandasAccessor:
    """The attribute `activity` of a pandas class.

    A plain descriptor where pandas' own registration would take the name away from the user's
    columns: a frame with a column `activity` keeps ``df.activity`` for it, to read and to assign.

    Parameters
    ----------
    maker : {"_kpis.kpis", "_series.series_kpis"}
        Module and name of the function that makes what an object of the class gets.
    """

    def __init__(self, maker: str) -> None:
        self._maker = maker

    def __get__(self, owner: Any, cls: type | None = None) -> Any:
        if owner is None:
            return self
        if self._maker == FRAME and NAME in owner.columns:
            # pandas then looks among the columns.
            raise AttributeError(NAME)
        return _make(self._maker, owner)


def _make(maker: str, owner: Any) -> Any:
    # By name, each time: the module is loaded with the first use, and may be reloaded.
    module, name = maker.split(".")
    return getattr(importlib.import_module(f"{__package__}.{module}"), name)(owner)


def register_accessors() -> None:
    """Add the accessors to pandas and polars, now or when they are imported.

    Calling it again (``%reload_ext``, ``%autoreload``) changes nothing and says nothing.
    """
    waiting = {}
    for name, register in _REGISTER.items():
        module = sys.modules.get(name)
        # A module that is just being imported has no DataFrame yet.
        if module is not None and hasattr(module, "DataFrame"):
            register(module)
        else:
            waiting[name] = register
    for finder in list(sys.meta_path):
        if getattr(finder, _MARK, False):
            sys.meta_path.remove(finder)
    if waiting:
        sys.meta_path.insert(0, _AfterImport(waiting))


def _register_with_pandas(pandas: ModuleType) -> None:
    for cls, maker in ((pandas.DataFrame, FRAME), (pandas.Series, SERIES)):
        if _is_free(cls):
            setattr(cls, NAME, PandasAccessor(maker))


def _register_with_polars(polars: ModuleType) -> None:
    for cls, register, maker in (
        (polars.DataFrame, polars.api.register_dataframe_namespace, FRAME),
        (polars.LazyFrame, polars.api.register_lazyframe_namespace, FRAME),
        (polars.Series, polars.api.register_series_namespace, SERIES),
    ):
        if _is_free(cls):
            register(NAME)(partial(_make, maker))


def _is_free(cls: type) -> bool:
    """Tell whether the name is nobody's; another library's accessor stays what it is."""
    return NAME not in vars(cls) and not hasattr(cls, NAME)


_REGISTER: Final[dict[str, Callable[[ModuleType], None]]] = {
    "pandas": _register_with_pandas,
    "polars": _register_with_polars,
}


class _AfterImport:
    """Add the accessors to a module when it has been imported.

    No subclass of `importlib.abc.MetaPathFinder`: that module costs more than this one.
    """

    def __init__(self, waiting: dict[str, Callable[[ModuleType], None]]) -> None:
        self._waiting = waiting
        setattr(self, _MARK, True)

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        register = self._waiting.get(fullname)
        if register is None:
            return None
        spec = self._found_by_others(fullname, path, target)
        loader = None if spec is None else spec.loader
        if loader is None:
            return None
        execute = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            # The loader is the ordinary one again before the module's first line runs.
            del loader.exec_module
            execute(module)
            self._came(fullname, module, register)

        try:
            loader.exec_module = exec_module  # type: ignore[method-assign]
        except AttributeError:
            # A loader of somebody else's that cannot be listened to: no accessor, same import.
            self._forget(fullname)
        return spec

    def _found_by_others(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None
    ) -> ModuleSpec | None:
        for finder in sys.meta_path:
            find = getattr(finder, "find_spec", None)
            if finder is self or find is None:
                continue
            spec: ModuleSpec | None = find(fullname, path, target)
            if spec is not None:
                return spec
        return None

    def _came(
        self, fullname: str, module: ModuleType, register: Callable[[ModuleType], None]
    ) -> None:
        self._forget(fullname)
        if hasattr(module, "DataFrame"):
            register(module)

    def _forget(self, fullname: str) -> None:
        self._waiting.pop(fullname, None)
        if not self._waiting and self in sys.meta_path:
            sys.meta_path.remove(self)
