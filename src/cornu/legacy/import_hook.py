"""Import hook: in a process where it is installed, ``import keras`` and ``tensorflow.keras`` resolve to Cornu.

The rest of TensorFlow stays as it is. ``cornu run`` installs the hook in the processes that it starts.
"""

import importlib
import importlib.abc
import importlib.machinery
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from cornu.legacy import keras_json, names
from cornu.namespaces import public_names

_ALIASES_IN_TENSORFLOW = ("losses", "metrics", "optimizers", "initializers")
"""Modules of Keras that TensorFlow offers at its top level as well: ``tf.optimizers``."""


class KerasModule(ModuleType):
    """A module of Keras whose names are those of a module of Cornu, found when they are first used.

    Args:
        name: Full name of the module, such as ``"keras.layers"``.
    """

    def __init__(self, name: str):
        super().__init__(name=name, doc=names.module(name).__doc__)

    def __getattr__(self, name: str) -> Any:
        path = names.path_of(self.__name__) or ""
        if name == "__all__":
            return public_names(names.module(self.__name__))
        if name == "__file__":  # programs print it to tell which library they run on
            return names.module(self.__name__).__file__
        try:
            found = names.find(path, name)
        except LookupError:
            if name.startswith("__"):  # Python asks for optional attributes of modules
                raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}") from None
            raise names.missing(self.__name__, name, importing=False) from None
        if isinstance(found, ModuleType):
            return importlib.import_module(f"{self.__name__}.{name}")
        setattr(self, name, found)
        return found

    def __dir__(self) -> list[str]:
        return sorted({*self.__all__, *vars(self)})


class KerasFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finder and loader of Keras's modules."""

    def __init__(self):
        self._is_configured = False

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return the specification of a module of Keras or of TensorFlow; None for others, which other finders find.

        Raises:
            MissingModuleError: If Cornu has no such module, also for ``from keras.layers import Dnse``.
        """
        if fullname == "tensorflow":
            return self._find_tensorflow(path, target)
        if names.path_of(fullname) is None:
            return None
        names.module(fullname)
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        """Create a module of Keras."""
        return KerasModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Apply the settings of ``keras.json`` when Keras is first imported, as Keras does."""
        if not self._is_configured:
            self._is_configured = True
            keras_json.apply()

    def _find_tensorflow(self, path: Sequence[str] | None, target: ModuleType | None) -> importlib.machinery.ModuleSpec | None:
        """Return the specification of TensorFlow, which receives Cornu as its ``keras`` after it was imported."""
        others = (finder for finder in sys.meta_path if finder is not self)
        spec = next(filter(None, (finder.find_spec("tensorflow", path, target) for finder in others)), None)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def exec_module(module: ModuleType) -> None:
                execute(module)
                replace_keras(module)

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def replace_keras(tensorflow: ModuleType) -> None:
    """Let the attributes of TensorFlow that lead to Keras lead to Cornu.

    Args:
        tensorflow: The module ``tensorflow``.
    """
    importlib.import_module("tensorflow.keras")  # which becomes the attribute `keras`
    for name in _ALIASES_IN_TENSORFLOW:
        setattr(tensorflow, name, importlib.import_module(f"tensorflow.keras.{name}"))


def install() -> None:
    """Install the hook in this process. It must not have imported Keras before."""
    if not any(isinstance(finder, KerasFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, KerasFinder())
    if "tensorflow" in sys.modules:
        replace_keras(sys.modules["tensorflow"])
