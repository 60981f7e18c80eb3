"""Signatures: those of Keras's methods, what constructors pass to their base class, and what annotations say."""

import ast
import importlib
import inspect
from collections.abc import Callable, Iterator
from inspect import Parameter
from pathlib import Path
from types import ModuleType

import keras
import pytest

import cornu
from cornu.namespaces import REFUSED

PACKAGE = Path(cornu.__file__).parent


def constructors(text: str) -> Iterator[tuple[ast.FunctionDef, ast.Call]]:
    """Yield each ``__init__`` with each call of ``super().__init__`` in it."""
    for function in ast.walk(ast.parse(text)):
        if isinstance(function, ast.FunctionDef) and function.name == "__init__":
            for node in ast.walk(function):
                if isinstance(node, ast.Call) and ast.unparse(node.func) == "super().__init__":
                    yield function, node


def faults(text: str) -> list[str]:
    """Return the calls that pass several arguments by position, or an argument under the name of another one."""
    found = []
    for function, call in constructors(text):
        arguments = function.args
        names = {argument.arg for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)}
        if len([argument for argument in call.args if not isinstance(argument, ast.Starred)]) > 1:
            found.append(f"line {call.lineno}: several positional arguments")
        for keyword in call.keywords:
            value = keyword.value.id if isinstance(keyword.value, ast.Name) else keyword.arg
            if keyword.arg in names and value in names and value != keyword.arg:
                found.append(f"line {call.lineno}: {keyword.arg}={value}")
    return found


def test_constructors_of_base_classes_receive_their_arguments_by_keyword():
    """Of two swapped positional arguments of the same type, no error would tell."""
    found = {str(path.relative_to(PACKAGE)): faults(path.read_text("utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}
    assert {file: lines for file, lines in found.items() if lines} == {}


def test_the_rule_finds_positional_and_swapped_arguments():
    def source(call: str) -> str:
        return f"class A(B):\n    def __init__(self, a, b, **kwargs):\n        super().__init__({call})\n"

    assert faults(source("a, b")) == ["line 3: several positional arguments"]
    assert faults(source("a=b, b=a")) == ["line 3: a=b", "line 3: b=a"]
    assert faults(source("a, b=b, c=a, **kwargs")) == []


MOST_UNTYPED = 660
"""The most annotations of the package that say nothing: ``Any`` and ``object``. Lower it when the number falls.

157 of them are the arrays of the primitives in ``backends/contract.py``, whose type is that of the engine.
"""


def module_of(path: Path) -> str:
    """Return the name of the module of a file of the package."""
    parts = ["cornu", *path.relative_to(PACKAGE).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def aliases_of_any(modules: dict[str, str]) -> dict[str, set[str]]:
    """Return, for each module, the names that stand for ``Any`` there: assigned on module level, or imported from a module."""
    found: dict[str, set[str]] = {module: set() for module in modules}
    bodies = {module: ast.parse(text).body for module, text in modules.items()}
    size = -1
    while size != (size := sum(map(len, found.values()))):  # an alias may be imported from a module that imported it
        for module, body in bodies.items():
            for node in body:
                if isinstance(node, ast.ImportFrom) and node.module == "typing":
                    found[module] |= {name.asname or name.name for name in node.names if name.name == "Any"}
                elif isinstance(node, ast.ImportFrom):
                    known = found.get(str(node.module), set())
                    found[module] |= {name.asname or name.name for name in node.names if name.name in known}
                elif isinstance(node, (ast.Assign, ast.AnnAssign)) and says_nothing(node.value, found[module]):
                    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                    found[module] |= {ast.unparse(target) for target in targets}
    return found


def says_nothing(annotation: ast.expr | None, aliases: set[str]) -> bool:
    """Return whether an annotation is exactly ``Any``, an alias of it, or ``object``."""
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        return annotation.value in {*aliases, "object"}
    return annotation is not None and ast.unparse(annotation) in {*aliases, "typing.Any", "object"}


def untyped(modules: dict[str, str]) -> list[str]:
    """Return the parameters, variables and attributes whose annotations say nothing, as ``module:line``."""
    aliases = aliases_of_any(modules)
    return [
        f"{module}:{node.lineno}"
        for module, text in modules.items()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, (ast.arg, ast.AnnAssign)) and says_nothing(node.annotation, aliases[module])
    ]


def test_few_annotations_say_nothing():
    """What a function accepts is read from its signature; ``cornu.typing`` has the types that signatures share."""
    modules = {module_of(path): path.read_text("utf-8") for path in sorted(PACKAGE.rglob("*.py"))}
    found = untyped(modules)
    assert len(found) <= MOST_UNTYPED, f"{len(found)} annotations say nothing, such as {found[-3:]}."


def test_annotations_that_say_nothing_are_found():
    one = (
        "from typing import Any\nArray = Any\ndef f(a: Any, b: Array, *args: Any, c: int, **kwargs: object) -> Any: ...\n"
        "class A:\n    x: 'Any' = None\n    def g(self, y: list[Any]): self.z: Any = y\n"
    )
    other = "import typing\nfrom a.one import Array as Data\nx: Data\ndef f(a: typing.Any, b: Any): ...\n"
    names = ["a.one:3"] * 4 + ["a.one:5", "a.one:6"] + ["a.other:3", "a.other:4"]
    assert sorted(untyped({"a.one": one, "a.other": other})) == names
    assert untyped({"a": "def f(a: int, b, c: 'Tree') -> object: ...\nx = 1\n"}) == []


# --- Methods of Keras ---------------------------------------------------------------------------------------------------

NAMESPACES_OF_CLASSES = (
    *("callbacks", "constraints", "distillation", "dtype_policies", "initializers", "layers", "losses", "metrics"),
    *("optimizers", "optimizers.schedules", "random", "regularizers", "utils"),
)

TOP_LEVEL_CLASSES = ("DTypePolicy", "InputSpec", "KerasTensor", "Layer", "Model", "Sequential", "Variable")

DIFFERENT = {
    # Methods that are not there, see `docs/compatibility.md`.
    ("*", "quantize", "config is at another position"): "quantization, which is refused",
    ("*", "quantized_build", "missing"): "quantization",
    ("*", "quantized_call", "missing"): "quantization",
    ("*", "get_quantization_layer_structure", "missing"): "quantization",
    ("*", "rematerialized_call", "missing"): "plumbing",
    ("*", "jax_state_sync", "missing"): "plumbing",
    ("*", "inner_loop", "missing"): "plumbing of recurrent layers",
    ("*", "get_dropout_mask", "missing"): "plumbing of cells",
    ("*", "get_recurrent_dropout_mask", "missing"): "plumbing of cells",
    ("*", "reset_dropout_mask", "missing"): "plumbing of cells",
    ("*", "reset_recurrent_dropout_mask", "missing"): "plumbing of cells",
    ("*", "convert_weight", "missing"): "plumbing of preprocessing layers",
    ("*", "get_clipped_bbox", "missing"): "plumbing of image layers",
    ("*", "get_shifted_bbox", "missing"): "plumbing of image layers",
    ("*", "get_transformed_x_y", "missing"): "plumbing of image layers",
    ("*", "get_elastic_transform_params", "missing"): "plumbing of image layers",
    ("layers.TorchModuleWrapper", "from_config", "no safe_mode"): "a module has no config: loading reads only data",
    ("layers.TFSMLayer", "from_config", "no safe_mode"): "a SavedModel is code: loading reads only data",
    ("layers.TorchModuleWrapper", "parameters", "missing"): "all layers have it, on PyTorch",
    ("optimizers.LossScaleOptimizer", "check_finite", "missing"): "plumbing",
    ("optimizers.Muon", "lr_adjust", "missing"): "plumbing",
    ("optimizers.Muon", "transpose_last_axis", "missing"): "plumbing",
    ("optimizers.Muon", "zeropower_via_newtonschulz5", "missing"): "plumbing",
    # Arguments that have no effect in Keras, or that it refuses.
    ("KerasTensor", "__init__", "no record_history"): "plumbing",
    ("KerasTensor", "__init__", "name is at another position"): "after `record_history`",
    ("KerasTensor", "__init__", "dtype=None"): "`config.floatx()`, which is float32",
    ("*", "export", "no input_signature"): "inferred, see `docs/compatibility.md`",
    ("*", "export", "verbose=True"): "the same as None",
    ("*", "export", "format=None"): "the extension of the file name decides, if there is one",
    # Names and defaults in which Keras's own classes differ from each other.
    ("layers.SimpleRNNCell", "call", "sequence is called inputs"): "`inputs` in the other cells",
    ("optimizers.Adadelta", "update_step", "grad is called gradient"): "`gradient` in the other optimizers",
    ("*", "build", "var_list is at another position"): "`variables`, the name in most optimizers, comes first",
    ("layers.RandomGrayscale", "get_random_transformation", "images is called data"): "`data` in the other layers",
    ("layers.RandomGrayscale", "transform_labels", "transformations is called transformation"): "that of the other layers",
    ("layers.RandomGrayscale", "transform_segmentation_masks", "transformations is called transformation"): "that of others",
    ("*", "compute_mask", "_ is called inputs"): "a name without a meaning",
    ("layers.Attention", "compute_output_spec", "return_attention_scores is at another position"): "the order of `call`",
    ("layers.Attention", "compute_output_spec", "training is at another position"): "the order of `call`",
    ("layers.AdditiveAttention", "compute_output_spec", "return_attention_scores is at another position"): "that of `call`",
    ("layers.AdditiveAttention", "compute_output_spec", "training is at another position"): "the order of `call`",
    ("*", "call", "training=None"): "None means False, unless the layer is called inside of a call with another value",
    # Keras fails without the argument.
    ("*", "get_initial_state", "batch_size has no default"): "without a batch size there is no state",
    ("*", "add_weight", "initializer='zeros'"): "Keras's None is the initializer of the class of variables: zeros",
}
"""What differs on purpose, by class, method and difference, with the reason; ``"*"`` stands for any class."""


def resolved(root: ModuleType, path: str) -> type | None:
    """Return the class that a library has at a path; Cornu's modules are not attributes of each other."""
    module, _, name = path.rpartition(".")
    home = importlib.import_module(f"{root.__name__}.{module}") if module else root
    return getattr(home, name, None)


def classes_of_keras() -> list[str]:
    """Return the paths of the classes of Keras that Cornu has."""
    paths = list(TOP_LEVEL_CLASSES)
    for namespace in NAMESPACES_OF_CLASSES:
        home = importlib.import_module(f"keras.{namespace}")
        refused = REFUSED.get(f"cornu.{namespace}", ())
        paths += [f"{namespace}.{name}" for name, thing in vars(home).items() if inspect.isclass(thing) and name not in refused]
    return [path for path in paths if resolved(cornu, path) is not None]


def methods_of(cls: type) -> list[str]:
    """Return the names of the public methods of a class, with its constructor and its call."""
    names = [name for name in dir(cls) if not name.startswith("_")] + ["__init__", "__call__"]
    return [
        name for name in names if inspect.isfunction(getattr(cls, name, None)) or inspect.ismethod(getattr(cls, name, None))
    ]


def one_number(default: object) -> object:
    """Return a default as Cornu writes it: one number for all axes."""
    while isinstance(default, tuple) and default and all(part == default[0] for part in default):
        default = default[0]
    return default


def differences(theirs: Callable, mine: Callable) -> list[str]:
    """Return why calls of a function of Keras could fail, or mean something else, with a function of Cornu."""
    parameters = dict(inspect.signature(mine).parameters)
    of_keras = list(inspect.signature(theirs).parameters.values())
    positional = [p.name for p in parameters.values() if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    kinds = {p.kind for p in parameters.values()}
    found = []
    for place, p in enumerate(of_keras):
        if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD):  # Cornu lists the arguments that there may be
            continue
        own = parameters.get(p.name)
        if own is None:
            takes_any = {Parameter.VAR_KEYWORD, *({Parameter.VAR_POSITIONAL} if p.kind is p.POSITIONAL_OR_KEYWORD else ())}
            name = positional[place] if place < len(positional) else None
            if name is not None and name not in {other.name for other in of_keras}:
                found.append(f"{p.name} is called {name}")
            elif not takes_any & kinds:
                found.append(f"no {p.name}")
            continue
        if p.kind is p.POSITIONAL_OR_KEYWORD and (positional[place : place + 1] != [p.name]):
            found.append(f"{p.name} is at another position")
        if p.default is not p.empty and own.default is own.empty:
            found.append(f"{p.name} has no default")
        elif p.default is not p.empty and one_number(p.default) != one_number(own.default):
            found.append(f"{p.name}={own.default!r}")
    renamed = {text.rpartition(" ")[2] for text in found if " is called " in text}
    names = {p.name for p in of_keras} | renamed
    if not {p.kind for p in of_keras} & {Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD}:
        required = [
            p.name for p in parameters.values() if p.default is p.empty and p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
        ]
        found += [f"needs {name}" for name in required if name not in names]
    return found


def all_differences(path: str) -> set[tuple[str, str, str]]:
    """Return the differences of the methods of a class."""
    theirs, mine = resolved(keras, path), resolved(cornu, path)
    found = set()
    for method in methods_of(theirs):
        own = getattr(mine, method, None)
        texts = ["missing"] if own is None else differences(getattr(theirs, method), own)
        found |= {(path, method, text) for text in texts}
    return found


@pytest.mark.parametrize("path", classes_of_keras())
def test_methods_have_the_signatures_of_keras(path):
    found = {each for each in all_differences(path) if each not in DIFFERENT and ("*", *each[1:]) not in DIFFERENT}
    assert found == set()


def test_what_differs_on_purpose_still_differs():
    found = {each for path in classes_of_keras() for each in all_differences(path)}
    found |= {("*", *each[1:]) for each in found}
    assert DIFFERENT.keys() - found == set()


def test_differences_of_signatures_are_found():
    def theirs(self, a, b, c=1, d=(2, 2), *, e=None): ...

    def same(self, a, b, c=1, d=2, e=None, f=None): ...

    def other(self, a, x, d=3, c=1): ...

    def needs_more(self, a, b, c=1, d=2, *, e=None, f): ...

    assert differences(theirs, same) == []
    assert differences(theirs, lambda self, *args, **kwargs: None) == []
    expected = ["b is called x", "c is at another position", "d is at another position", "d=3", "no e"]
    assert differences(theirs, other) == expected
    assert differences(theirs, needs_more) == ["needs f"]
