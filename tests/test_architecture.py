"""The rules of CONTRIBUTING.md that can be checked in the source code.

Import-linter checks which tier may import which (``lint-imports``, contracts in ``pyproject.toml``).
"""

import ast
import importlib
import inspect
import io
import re
import subprocess
import sys
import tokenize
import tomllib
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

import cornu
from cornu import backends, config, namespaces

PACKAGE = Path(cornu.__file__).parent
ENGINES = {"jax", "jaxlib", "torch", "tensorflow", "onnx", "onnxruntime"}
HEAVY = ENGINES | {"rich", "matplotlib", "h5py", "PIL", "sklearn", "scipy", "keras", "tensorboard", "google"}

MAY_IMPORT_AN_ENGINE: dict[str, str] = {
    "data/tf_data.py": "makes datasets of tf.data",
    "export/onnx_verification.py": "verifies exported files against the model",
    "export/onnx_model.py": "runs files",
    "export/saved_model.py": "SavedModel is a format of TensorFlow",
    "legacy/import_hook.py": "replaces the attributes of TensorFlow that lead to Keras",
    "layers/jax_layer.py": "wraps functions of JAX",
    "layers/tfsm_layer.py": "reads SavedModels",
    "layers/torch_module.py": "wraps PyTorch modules",
}
"""Files outside ``backends`` that import an engine inside a function, with the reason."""

PUBLIC = tuple(name for name in cornu.__all__ if name.islower())
"""The public modules and packages. Modules that none of them imports, directly or indirectly, are dead code."""

WITHOUT_EXAMPLES = ("backends",)
"""Public packages that need no examples, because ``backends/contract.py`` documents them."""

FILE_CAP, BACKEND_CAP, FUNCTION_CAP, PARAMETER_CAP = 500, 800, 60, 8
LAYER_LINE_CAP, LAYER_METHOD_CAP = 300, 25

RAISED_CAPS: dict[str, tuple[int, str]] = {
    "layers/recurrent/conv_lstm.py:ConvLSTM.__init__": (66, "the arguments of Keras, one in each line"),
}
"""``"file"`` or ``"file:function"`` to a higher limit of code lines, with the reason."""

MANY_PARAMETERS = {
    "applications/torch_networks.py:from_torch_state": "those of an application, and how its images are prepared",
    "core/variable.py:Variable.__init__": "the nine of Keras, and `backend`",
    "datasets/reuters.py:load_data": "the nine of Keras",
    "layers/basic/embedding.py:Embedding.__init__": "the nine of Keras, and `input_length`, which Keras takes among the others",
    "models/model.py:Model.compile": "the nine of Keras, and `micro_batch_size`",
    "models/plotting.py:model_to_dot": "the eleven of Keras, and `expand_blocks`",
    "models/plotting.py:plot_model": "the eleven of Keras, and `expand_blocks`",
}
"""``"file:function"`` that may take more than eight parameters, with the reason. Signatures of Keras need no entry."""


class Module(NamedTuple):
    """One file of the package."""

    file: str
    """Path inside the package, with ``/``."""
    name: str
    """Full name, such as ``cornu.core.layer``."""
    text: str
    tree: ast.Module


@cache
def modules() -> tuple[Module, ...]:
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        file = path.relative_to(PACKAGE).as_posix()
        name = ".".join(("cornu", *Path(file).with_suffix("").parts)).removesuffix(".__init__")
        text = path.read_text(encoding="utf-8")
        found.append(Module(file, name, text, ast.parse(text)))
    return tuple(found)


each_module = pytest.mark.parametrize("module", modules(), ids=lambda module: module.file)


def functions(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, ast.FunctionDef]]:
    """Yield all functions and methods, including nested ones, with their qualified names."""
    for node in ast.iter_child_nodes(tree):
        inner = prefix
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            inner = f"{prefix}{node.name}."
            if not isinstance(node, ast.ClassDef):
                yield f"{prefix}{node.name}", node
        yield from functions(node, inner)


def imported(node: ast.AST) -> list[str]:
    """Return the full names of the modules that a node imports, by statement or by ``import_module("name")``."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
    if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
        called = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if called in ("import_module", "__import__"):
            return [str(node.args[0].value)]
    return []


def imports(tree: ast.AST) -> list[str]:
    return [name for node in ast.walk(tree) for name in imported(node)]


def roots(names: list[str]) -> set[str]:
    """Return the top-level packages of modules: ``jax`` for ``jax.numpy``."""
    return {name.partition(".")[0] for name in names}


# --- Imports ------------------------------------------------------------------------------------------------------------------


@each_module
def test_only_backends_import_an_engine(module):
    if module.file.startswith("backends/") or module.file in MAY_IMPORT_AN_ENGINE:
        return
    engines = roots(imports(module.tree)) & ENGINES
    assert not engines, f"{module.file} imports {engines}: move the code into a function of the backends"


@pytest.mark.parametrize("file", MAY_IMPORT_AN_ENGINE)
def test_exporters_import_their_engine_inside_functions(file):
    module = next(module for module in modules() if module.file == file)
    assert not roots([name for node in module.tree.body for name in imported(node)]) & ENGINES


STAR_IMPORTS = {"activations.py": "cornu.ops.nn.activations"}
"""A file that is no ``__init__`` and exports the names of another one as well: the activations that are ops."""


def star_imports(module: Module) -> list[str]:
    """The modules from which a module imports every name."""
    return [
        node.module or "" for node in ast.walk(module.tree) if isinstance(node, ast.ImportFrom) and node.names[0].name == "*"
    ]


def names_in_all(module: Module) -> list[str] | None:
    """What ``__all__`` lists; None without one, and for one that is computed."""
    for node in module.tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__" and isinstance(node.value, ast.List):
            return ast.literal_eval(node.value)
    return None


@each_module
def test_star_imports_are_those_of_a_public_package_from_its_own_files(module):
    own = f"{module.name}." if module.file.endswith("/__init__.py") else STAR_IMPORTS.get(module.file, "nothing")
    stars = [name for name in star_imports(module) if not name.startswith(own)]
    assert not stars, f"{module.file} imports everything from {stars}: list the names"


def test_what_is_star_imported_says_what_it_exports():
    by_name = {module.name: module for module in modules()}
    starred = {name for module in modules() for name in star_imports(module)}
    silent = sorted(
        name for name in starred if names_in_all(by_name[name]) is None and not by_name[name].file.endswith("__init__.py")
    )
    assert not silent, f"{silent} have no literal `__all__`"


@each_module
def test_own_modules_are_imported_by_their_full_names(module):
    relative = [node.lineno for node in ast.walk(module.tree) if isinstance(node, ast.ImportFrom) and node.level]
    assert not relative, f"{module.file} has relative imports in lines {relative}: write `from cornu...`"


@each_module
def test_own_modules_are_not_imported_inside_functions(module):
    if module.file == "__init__.py":  # the lazily imported public names
        return
    for name, function in functions(module.tree):
        inside = [
            target
            for node in ast.walk(function)
            if isinstance(node, (ast.Import, ast.ImportFrom))
            for target in imported(node)
            if target.partition(".")[0] == "cornu"
        ]
        assert not inside, f"{module.file}: `{name}` imports {inside}; import at the top, or move the code to a higher tier"


@cache
def import_graph() -> dict[str, set[str]]:
    """Return the modules of the package that each of them imports."""
    names = {module.name for module in modules()}
    graph = {}
    for module in modules():
        targets = set()
        for node in ast.walk(module.tree):
            found = set(imported(node)) & names
            if len(found) > 1 and isinstance(
                node, ast.ImportFrom
            ):  # `from a import b` where `a.b` is a module imports only `a.b`
                found.discard(node.module)
            targets |= found
        graph[module.name] = targets
    return graph


def reachable(graph: dict[str, set[str]], start: set[str]) -> set[str]:
    seen, waiting = set(), list(start)
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += graph.get(name, ())
    return seen


def test_there_are_no_import_cycles():
    graph = import_graph()
    cycles = [name for name in graph if name in reachable(graph, graph[name])]
    assert not cycles, f"these modules import each other: {cycles}"


def backend_names() -> set[str]:
    """Return the modules that ``cornu.backends`` imports by name on first use."""
    return {backends.module_name(name) for name in (*config.BACKENDS, *backends.TRACING_BACKENDS)}


def test_every_module_is_reachable():
    graph = import_graph()
    entrances = {"cornu", "cornu.cli.main", "cornu.legacy.startup.sitecustomize"}
    seen = reachable(graph, {*entrances, *backend_names(), *(f"cornu.{name}" for name in PUBLIC)})
    packages = {name.rpartition(".")[0] for name in seen}
    dead = sorted(set(graph) - seen - packages)
    assert not dead, f"no public module imports {dead}: use them or remove them"


def printed_by(code: str) -> set[str]:
    """Return the words that a new process prints."""
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    return set(finished.stdout.split())


def loaded_by(names: Iterable[str]) -> set[str]:
    """Return the heavy packages that a new process has loaded after importing some modules."""
    return HEAVY & printed_by(f"import {', '.join(names)}, sys; print(*sys.modules)")


def test_importing_cornu_imports_nothing_heavy():
    assert loaded_by(["cornu"]) == set()


def test_importing_cornu_imports_few_modules():
    """Counts modules instead of measuring time: two of its own, and a few quick ones of the standard library."""
    loaded = printed_by("import sys; before = set(sys.modules); import cornu; print(*set(sys.modules) - before)")
    assert {name for name in loaded if name.partition(".")[0] not in sys.stdlib_module_names} == {"cornu", "cornu.namespaces"}
    assert len(loaded) < 50


def test_importing_everything_but_the_backends_imports_nothing_heavy():
    names = [module.name for module in modules() if not module.file.startswith("backends/")]
    assert loaded_by(names) == set()


# --- Private names of engines -------------------------------------------------------------------------------------------------

PRIVATE_NAMES_IN = {"torch": "backends/torch/compat.py"}
"""The one file of an engine that may use its private names. JAX and TensorFlow have none: no private name is used."""

ENGINE_NAMES = {"torch": "torch", "F": "torch", "jax": "jax", "jnp": "jax", "lax": "jax", "tf": "tensorflow"}
"""Names that modules bind to an engine, or to a part of it, and the engine."""

NOT_PUBLIC = ("torch.fx.experimental", "jax.interpreters", "jax.extend", "jaxlib", "tensorflow.python", "tensorflow.core")
"""Packages that engines do not keep stable, although no part of the name starts with an underscore."""

PRIVATE_ATTRIBUTES = ("_schema",)
"""Private attributes of engine objects, whatever the variable is called."""


def private_names(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Private names of engines, each with its engine. Operators such as ``torch.ops.aten._to_copy`` are public."""
    for node in ast.walk(tree):
        for name in imported(node):
            engine = name.partition(".")[0]
            if engine in ENGINES and (is_private(name) or name.startswith(NOT_PUBLIC)):
                yield engine.removesuffix("lib"), name
        if isinstance(node, ast.Attribute):
            name = ast.unparse(node)
            engine = ENGINE_NAMES.get(name.partition(".")[0])
            if engine is not None and is_private(name) and not name.startswith("torch.ops."):
                yield engine, name
            if node.attr in PRIVATE_ATTRIBUTES:
                yield "torch", name


def is_private(name: str) -> bool:
    return any(part.startswith("_") and not part.startswith("__") for part in name.split("."))


@each_module
def test_private_names_of_engines_are_used_in_one_module_only(module):
    found = {name for engine, name in private_names(module.tree) if module.file != PRIVATE_NAMES_IN.get(engine)}
    assert not found, f"{module.file} uses {found}: put them into {PRIVATE_NAMES_IN}, with the reason"


@pytest.mark.parametrize(
    "code",
    [
        "import torch._subclasses",
        "from torch._ops import OpOverload",
        "from torch.utils._python_dispatch import TorchDispatchMode",
        "from torch.fx.experimental.proxy_tensor import make_fx",
        "torch._C._get_mkldnn_enabled()",
        "isinstance(x, torch._ops.OpOverload)",
        "operator._schema",
        "from jax._src import core",
        "jax._src.core",
        "from jaxlib import xla_client",
        "from tensorflow.python.ops import array_ops",
        "tf._api",
    ],
)
def test_the_rule_against_private_names_finds_them(code):
    assert list(private_names(ast.parse(code)))


@pytest.mark.parametrize(
    "code", ["torch.ops.aten._to_copy.default", "torch.__version__", "from jax.core import Tracer", "self._x"]
)
def test_the_rule_against_private_names_allows_public_ones(code):
    assert not list(private_names(ast.parse(code)))


def test_the_modules_for_private_names_use_some():
    by_file = {module.file: module for module in modules()}
    for engine, file in PRIVATE_NAMES_IN.items():
        assert engine in {found for found, _ in private_names(by_file[file].tree)}, f"{file} has no private name of {engine}"


# --- Names and behavior -------------------------------------------------------------------------------------------------------

MAY_ASK_FOR_NAMES = {
    "applications/application.py:application": "the function that it returns has the name and module of the network",
    "backends/lookup.py:owner": "the type of an array is only known by the package of its engine",
    "backends/numpy/tape.py:TapeArray.__array_ufunc__": "NumPy passes the name of the method that it calls",
    "backends/onnx/graph_builder.py:OnnxArray.__array_ufunc__": "NumPy passes the name of the method that it calls",
    "core/foreign_calls.py:_library_of": "the text of an error says which library a function of the user's code belongs to",
    "registry.py:is_builtin": "the only function that checks whether an object is defined in the package cornu, in any file",
}
"""``"file:function"`` whose behavior depends on the name of a module, a class or a function, with the reason."""


MODULE_NAMES = ("__module__", "__qualname__")
NAMES = ("__name__", "__file__")
SEARCHES = ("startswith", "endswith", "partition", "rpartition")
WHERE_FROM = ("getmodule", "getsourcefile", "getfile")


def read_names(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes that read the module of an object, or compare the name of a class, a function or a module."""
    for node in ast.walk(tree):
        name = called_name(node)
        compared = [node.left, *node.comparators] if isinstance(node, ast.Compare) else []
        if name in SEARCHES and isinstance(node.func, ast.Attribute):
            compared = [node.func.value]
        asked = name == "getattr" and any(getattr(value, "value", "") in MODULE_NAMES for value in node.args)
        named = any(getattr(part, "attr", getattr(part, "id", "")) in NAMES for part in compared)
        if asked or named or name in WHERE_FROM or getattr(node, "attr", "") in MODULE_NAMES:
            yield node


def called_name(node: ast.AST) -> str:
    """Return the last part of the name that a node calls, or an empty string for other nodes."""
    return getattr(node.func, "attr", getattr(node.func, "id", "")) if isinstance(node, ast.Call) else ""


def functions_that(find: Callable[[ast.AST], Iterator[ast.AST]], module: Module) -> set[str]:
    """Return the innermost functions around the nodes found, as ``"file:function"``; ``"file:"`` outside functions."""
    spans = [(function.lineno, function.end_lineno, name) for name, function in functions(module.tree)]
    found = set()
    for node in find(module.tree):
        around = [(start, name) for start, end, name in spans if start <= node.lineno <= end]
        found.add(f"{module.file}:{max(around, default=(0, ''))[1]}")
    return found


@each_module
def test_behavior_does_not_depend_on_names_of_modules_classes_and_functions(module):
    found = functions_that(read_names, module) - MAY_ASK_FOR_NAMES.keys()
    assert not found, f"the behavior of {found} depends on a name: declare the property as an attribute of the object"


def texts_of_errors(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes that search for a string in the message of a caught error."""
    for handler in ast.walk(node):
        if not isinstance(handler, ast.ExceptHandler) or handler.name is None:
            continue
        for inner in ast.walk(handler):
            is_search = isinstance(inner, ast.Compare) and isinstance(inner.left, ast.Constant)
            if is_search and f"str({handler.name})" in ast.unparse(inner):
                yield inner


@each_module
def test_behavior_does_not_depend_on_the_text_of_errors(module):
    found = functions_that(texts_of_errors, module)
    assert not found, f"the behavior of {found} depends on the text of an error, which may differ in other versions"


@pytest.mark.parametrize(
    "code",
    [
        "kind.__module__ == __name__",
        "getattr(kind, '__module__', '').startswith('cornu')",
        "type(x).__name__ == 'Dense'",
        "kind.__name__ in ('Dense', 'Conv2D')",
        "backend.__name__.rpartition('.')[2]",
        "inspect.getmodule(x)",
    ],
)
def test_the_rule_against_names_finds_violations(code):
    assert list(read_names(ast.parse(code)))


def test_the_rule_against_names_allows_names_in_messages():
    assert not list(read_names(ast.parse("raise ValueError(f'{type(x).__name__} was given')")))


@each_module
def test_warnings_name_the_line_of_the_user(module):
    assert module.file == "errors.py" or "warnings.warn(" not in module.text, "use `cornu.errors.warn`"


# --- Sizes --------------------------------------------------------------------------------------------------------------------


def is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


@cache
def code_lines(module: Module) -> frozenset[int]:
    """Return the numbers of the lines with code: not blank, no comment, no docstring."""
    ignored = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    lines = set()
    for token in tokenize.generate_tokens(io.StringIO(module.text).readline):
        if token.type not in ignored:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(module.tree):
        if is_docstring(node):
            lines.difference_update(range(node.lineno, node.end_lineno + 1))
    return frozenset(lines)


def length(module: Module, node: ast.AST) -> int:
    return len(code_lines(module) & set(range(node.lineno, node.end_lineno + 1)))


def cap(key: str, usual: int) -> int:
    return RAISED_CAPS.get(key, (usual, ""))[0]


@each_module
def test_files_are_short(module):
    limit = cap(module.file, BACKEND_CAP if module.file.startswith("backends/") else FILE_CAP)
    assert len(code_lines(module)) <= limit, f"{module.file} has {len(code_lines(module))} code lines, more than {limit}"


@each_module
def test_functions_are_short(module):
    for name, function in functions(module.tree):
        limit = cap(f"{module.file}:{name}", FUNCTION_CAP)
        assert length(module, function) <= limit, f"{module.file}: `{name}` has {length(module, function)} code lines"


def layer_class() -> tuple[Module, ast.ClassDef]:
    module = next((module for module in modules() if module.file == "core/layer.py"), None)
    assert module is not None, "the class `Layer` is expected in core/layer.py"
    return module, next(node for node in module.tree.body if isinstance(node, ast.ClassDef) and node.name == "Layer")


def test_the_class_layer_is_short():
    assert length(*layer_class()) <= LAYER_LINE_CAP


def test_the_class_layer_has_few_public_methods_that_keras_does_not_have():
    keras_layer = keras_spaces()[1].Layer
    layer = importlib.import_module("cornu.core.layer").Layer
    methods = [name for name in dir(layer) if not name.startswith("_") and callable(getattr(layer, name))]
    ours = [name for name in methods if not hasattr(keras_layer, name)]
    assert len(ours) <= LAYER_METHOD_CAP, ours


def parameters(function: ast.FunctionDef) -> list[str]:
    """Return the names of the parameters, without ``self`` or ``cls``, ``*args`` and ``**kwargs``."""
    arguments = function.args
    names = [argument.arg for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    return names[1:] if names[:1] in (["self"], ["cls"]) else names


@each_module
def test_functions_take_few_parameters(module):
    for name, function in functions(module.tree):
        names = parameters(function)
        if len(names) <= PARAMETER_CAP or f"{module.file}:{name}" in MANY_PARAMETERS:
            continue
        invented = [parameter for parameter in names if parameter not in keras_parameters(name)]
        assert not invented, (
            f"{module.file}: `{name}` takes {len(names)} parameters, and Keras does not have {invented}: "
            "remove some, or list the function in MANY_PARAMETERS with the reason"
        )


def keras_parameters(name: str) -> set[str]:
    """Return the parameters of Keras's function or ``Class.method`` of this name, or of that of a subclass."""
    first, _, method = name.partition(".")
    found = set()
    for kind in {first, *(subclasses(first) if method else ())}:
        for space in keras_spaces():
            theirs = getattr(space, kind, None)
            if method and method != "__init__" and inspect.isclass(theirs):
                theirs = getattr(theirs, method, None)
            if callable(theirs):
                found |= set(inspect.signature(theirs).parameters)
    return found


def subclasses(name: str) -> set[str]:
    """Return the names of the direct and indirect subclasses of a class."""
    inherits = {
        node.name: {ast.unparse(base).rpartition(".")[2] for base in node.bases}
        for module in modules()
        for node in module.tree.body
        if isinstance(node, ast.ClassDef)
    }
    return {kind for kind in inherits if name in reachable(inherits, inherits[kind])}


@cache
def keras_spaces() -> tuple:
    keras = pytest.importorskip("keras", reason="the signatures are compared with those of keras")
    named = (
        "layers losses metrics optimizers callbacks models ops activations initializers regularizers constraints utils random "
        "visualization"
    )
    nested = (keras.ops.image, keras.ops.nn, keras.optimizers.schedules, keras.utils.bounding_boxes)
    return (keras, *(getattr(keras, name) for name in named.split()), *nested)


def test_all_exceptions_still_exist():
    known = {module.file for module in modules()}
    known |= {f"{module.file}:{name}" for module in modules() for name, _ in functions(module.tree)}
    listed = {*MAY_IMPORT_AN_ENGINE, *MAY_ASK_FOR_NAMES, *RAISED_CAPS, *MANY_PARAMETERS}
    assert listed <= known, f"{listed - known} no longer exist"


# --- Examples -----------------------------------------------------------------------------------------------------------------

NO_EXAMPLE_YET = frozenset((Path(__file__).parent / "no_example_yet.txt").read_text(encoding="utf-8").split())
"""``cornu.module:name`` of public objects without an example. The list must not grow."""


def defined(module: Module) -> dict[str, ast.AST]:
    """Return the public functions and classes at the top level of a module."""
    kinds = (ast.ClassDef, ast.FunctionDef)
    return {node.name: node for node in module.tree.body if isinstance(node, kinds) and not node.name.startswith("_")}


def public_objects() -> dict[str, ast.AST]:
    """Return the public objects: those defined in public modules, and those that a public ``__init__`` lists."""
    by_name = {module.name: module for module in modules()}
    objects = {}
    for name in PUBLIC:
        if f"cornu.{name}" in by_name and name not in WITHOUT_EXAMPLES:
            objects |= exported(by_name, f"cornu.{name}")
    for names in namespaces.NAMESPACES.values():
        for name, target in names.items():
            home, _, original = target.partition(":")
            objects |= listed(by_name, home, original or name)
    return objects


def exported(by_name: dict[str, Module], name: str) -> dict[str, ast.AST]:
    """Return the functions and classes that a module defines, and for a package those that its ``__init__`` imports."""
    module = by_name[name]
    objects = {f"{name}:{inner}": node for inner, node in defined(module).items()}
    for node in module.tree.body if module.file.endswith("/__init__.py") else ():
        if isinstance(node, ast.ImportFrom) and node.module != "cornu.errors":
            for alias in node.names:
                objects |= listed(by_name, node.module, alias.name)
    return objects


def listed(by_name: dict[str, Module], source: str, name: str) -> dict[str, ast.AST]:
    """Return the functions and classes behind ``from source import name``."""
    if name == "*":
        names = names_in_all(by_name[source])
        return {
            key: node for key, node in exported(by_name, source).items() if names is None or key.rpartition(":")[2] in names
        }
    if source == "cornu":  # a module used by the package
        return {}
    if f"{source}.{name}" in by_name:
        return exported(by_name, f"{source}.{name}")
    node = defined(by_name[source]).get(name) if source in by_name else None
    return {f"{source}:{name}": node} if node is not None else {}


def has_example(node: ast.AST) -> bool:
    return ">>>" in (ast.get_docstring(node) or "")


def test_every_public_name_exists():
    missing = [name for name in cornu.__all__ if getattr(cornu, name, None) is None]
    assert not missing, f"`cornu.__all__` lists {missing}, which do not exist"


def test_public_objects_have_an_example():
    missing = sorted(name for name, node in public_objects().items() if not has_example(node) and name not in NO_EXAMPLE_YET)
    assert not missing, f"these docstrings have no `Example:` with >>> lines: {missing}"


def test_the_list_of_missing_examples_has_no_outdated_entries():
    done = sorted(name for name in NO_EXAMPLE_YET if name not in public_objects() or has_example(public_objects()[name]))
    assert not done, f"remove these from tests/no_example_yet.txt: {done}"


# --- The document -----------------------------------------------------------------------------------------------------

ROOT = Path(__file__).parents[1]
DOCUMENT = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")


def test_the_files_that_the_document_names_exist():
    named = re.findall(r"`([\w/.-]+(?:\.py|\.toml|/))`", DOCUMENT)
    paths = [*ROOT.glob("*"), *(ROOT / "tests").rglob("*.py"), *PACKAGE.rglob("*")]
    there = [f"/{path.relative_to(ROOT).as_posix()}{'/' * path.is_dir()}" for path in paths]
    missing = [name for name in named if not any(path.endswith(f"/{name}") for path in there)]
    assert len(named) > 80
    assert missing == []


def test_the_tiers_in_the_document_are_those_of_the_contract():
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"][0]
    lines = DOCUMENT.split("```")[1].strip().splitlines()
    expected = [set(re.findall(r"\w+", tier)) for tier in contract["layers"]]
    found = [tier & set(line.split()) for tier, line in zip(expected, lines, strict=True)]
    assert found == expected


ONLY_JAX = """
import importlib.abc, importlib.util, sys
import pytest

def is_missing(name):
    return name.partition(".")[0] in ("torch", "tensorflow")

class Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if is_missing(name):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

find_spec = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if is_missing(name) else find_spec(name, package)
sys.meta_path.insert(0, Missing())
sys.exit(pytest.main(["--collect-only", "-q", "-p", "no:cacheprovider", "tests"]))
"""
"""Collects the tests as if PyTorch and TensorFlow were not installed."""


@pytest.mark.thorough
def test_collection_without_torch_and_tensorflow_reports_the_missing_engines():
    root = Path(__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", ONLY_JAX], cwd=root, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout[-2000:]
    assert "\nengines: jax, numpy; not installed, so not tested: torch, tensorflow\n" in done.stdout
