"""The rules of the house that can be read off the source (see CONTRIBUTING.md).

Which floor may import which is import-linter's part (``lint-imports``, contracts in ``pyproject.toml``).
"""

import ast
import importlib
import inspect
import io
import subprocess
import sys
import tokenize
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

import cornu
from cornu import backends, config, namespaces

PACKAGE = Path(cornu.__file__).parent
ENGINES = {"jax", "jaxlib", "torch", "tensorflow", "onnx", "onnxruntime"}
HEAVY = ENGINES | {"rich", "matplotlib", "h5py", "PIL", "sklearn", "scipy", "keras"}

MAY_IMPORT_AN_ENGINE: dict[str, str] = {
    "export/onnx_file.py": "holds a file against the model",
    "export/onnx_model.py": "runs files",
    "export/saved_model.py": "a SavedModel is TensorFlow's own format",
    "layers/torch_module.py": "modules are PyTorch's own layers",
}
"""Files outside ``backends`` that import an engine inside a function, with the reason: exporters only."""

PUBLIC = tuple(name for name in cornu.__all__ if name.islower())
"""The modules and packages that people use by name. Modules that none of them reaches are dead."""

WITHOUT_EXAMPLES = ("backends",)
"""Those of them that need no examples: a contract describes them."""

FILE_CAP, BACKEND_CAP, FUNCTION_CAP, PARAMETER_CAP = 500, 800, 60, 8
LAYER_LINE_CAP, LAYER_METHOD_CAP = 300, 25

RAISED_CAPS: dict[str, tuple[int, str]] = {}
"""``"file"`` or ``"file:function"`` to a higher cap of code lines, with the reason."""

MANY_PARAMETERS = {"models/model.py:Model.compile": "Keras's nine, and the one switch of a trick of training"}
"""``"file:function"`` that may take more than eight parameters, with the reason. Keras's own signatures need no entry."""


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
    """All functions and methods, also inner ones, with their qualified names."""
    for node in ast.iter_child_nodes(tree):
        inner = prefix
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            inner = f"{prefix}{node.name}."
            if not isinstance(node, ast.ClassDef):
                yield f"{prefix}{node.name}", node
        yield from functions(node, inner)


def imported(node: ast.AST) -> list[str]:
    """Full names of the modules that a node imports, by statement or by ``import_module("name")``."""
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
    """The packages that modules belong to: ``jax`` for ``jax.numpy``."""
    return {name.partition(".")[0] for name in names}


# --- Imports ------------------------------------------------------------------------------------------------------------------


@each_module
def test_only_backends_import_an_engine(module):
    if module.file.startswith("backends/") or module.file in MAY_IMPORT_AN_ENGINE:
        return
    engines = roots(imports(module.tree)) & ENGINES
    assert not engines, f"{module.file} imports {engines}: put what it needs behind a function of the backends"


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
    if module.file == "__init__.py":  # the lazy public face
        return
    for name, function in functions(module.tree):
        inside = [
            target
            for node in ast.walk(function)
            if isinstance(node, (ast.Import, ast.ImportFrom))
            for target in imported(node)
            if target.partition(".")[0] == "cornu"
        ]
        assert not inside, f"{module.file}: `{name}` imports {inside}; import at the top, or move the code to a higher floor"


@cache
def import_graph() -> dict[str, set[str]]:
    """Which of the package's modules each one imports."""
    names = {module.name for module in modules()}
    graph = {}
    for module in modules():
        targets = set()
        for node in ast.walk(module.tree):
            found = set(imported(node)) & names
            if len(found) > 1 and isinstance(node, ast.ImportFrom):  # `from a import b` where `a.b` is a module: only that one
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


def test_no_module_imports_itself_by_a_detour():
    graph = import_graph()
    circles = [name for name in graph if name in reachable(graph, graph[name])]
    assert not circles, f"these modules import each other: {circles}"


def backend_names() -> set[str]:
    """The modules that ``cornu.backends`` imports by name when they are wanted."""
    return {backends.module_name(name) for name in (*config.BACKENDS, *backends.TRACING_BACKENDS)}


def test_every_module_is_reachable():
    graph = import_graph()
    seen = reachable(graph, {"cornu", "cornu.cli.main", *backend_names(), *(f"cornu.{name}" for name in PUBLIC)})
    packages = {name.rpartition(".")[0] for name in seen}
    dead = sorted(set(graph) - seen - packages)
    assert not dead, f"nothing public imports {dead}: use them or remove them"


def printed_by(code: str) -> set[str]:
    """The words that a new process prints."""
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    return set(finished.stdout.split())


def loaded_by(names: Iterable[str]) -> set[str]:
    """Which heavy packages a new process has loaded after importing some modules."""
    return HEAVY & printed_by(f"import {', '.join(names)}, sys; print(*sys.modules)")


def test_importing_cornu_imports_nothing_heavy():
    assert loaded_by(["cornu"]) == set()


def test_importing_cornu_takes_no_time():
    """Time is not the same twice; the number of modules is: two of its own, and a few of Python's that are quick."""
    loaded = printed_by("import sys; before = set(sys.modules); import cornu; print(*set(sys.modules) - before)")
    assert {name for name in loaded if name.partition(".")[0] not in sys.stdlib_module_names} == {"cornu", "cornu.namespaces"}
    assert len(loaded) < 50


def test_importing_everything_but_the_backends_imports_nothing_heavy():
    names = [module.name for module in modules() if not module.file.startswith("backends/")]
    assert loaded_by(names) == set()


# --- Meaning in names ---------------------------------------------------------------------------------------------------------

MAY_ASK_FOR_NAMES = {
    "backends/__init__.py:owner": "of an array's type it is only known from which engine's package it comes",
    "backends/numpy_tape.py:TapeArray.__array_ufunc__": "NumPy names the function that it calls",
    "backends/onnx_graph.py:OnnxArray.__array_ufunc__": "NumPy names the function that it calls",
    "registry.py:is_builtin": "the one place that asks whether a thing is defined in the package cornu, in any of its files",
}
"""``"file:function"`` where a decision depends on the name of a module, a class or a function, with the reason."""


MODULE_NAMES = ("__module__", "__qualname__")
NAMES = ("__name__", "__file__")
SEARCHES = ("startswith", "endswith", "partition", "rpartition")
WHERE_FROM = ("getmodule", "getsourcefile", "getfile")


def read_names(tree: ast.AST) -> Iterator[ast.AST]:
    """Where code reads of which module a thing is, or compares the name of a class, a function or a module."""
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
    """The last part of the name of what is called; empty for what is no call."""
    return getattr(node.func, "attr", getattr(node.func, "id", "")) if isinstance(node, ast.Call) else ""


def functions_that(find: Callable[[ast.AST], Iterator[ast.AST]], module: Module) -> set[str]:
    """The innermost functions in which something is found, ``"file:"`` for what stands in none."""
    spans = [(function.lineno, function.end_lineno, name) for name, function in functions(module.tree)]
    found = set()
    for node in find(module.tree):
        around = [(start, name) for start, end, name in spans if start <= node.lineno <= end]
        found.add(f"{module.file}:{max(around, default=(0, ''))[1]}")
    return found


@each_module
def test_behavior_does_not_depend_on_names_of_modules_classes_and_functions(module):
    found = functions_that(read_names, module) - MAY_ASK_FOR_NAMES.keys()
    assert not found, f"{found} decides by a name: let the thing declare what it can do, as an attribute"


def texts_of_errors(node: ast.AST) -> Iterator[ast.AST]:
    """Where code looks for a text in the message of an error that it has caught."""
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
    assert not found, f"{found} decides by the text of an error, which another version may word otherwise"


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
def test_the_rule_against_names_finds_them(code):
    assert list(read_names(ast.parse(code)))


def test_the_rule_against_names_lets_messages_name_things():
    assert not list(read_names(ast.parse("raise ValueError(f'{type(x).__name__} was given')")))


# --- Sizes --------------------------------------------------------------------------------------------------------------------


def is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


@cache
def code_lines(module: Module) -> frozenset[int]:
    """Numbers of the lines that hold code: not blank, not comment, not docstring."""
    nothing = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    held = set()
    for token in tokenize.generate_tokens(io.StringIO(module.text).readline):
        if token.type not in nothing:
            held.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(module.tree):
        if is_text(node):
            held.difference_update(range(node.lineno, node.end_lineno + 1))
    return frozenset(held)


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


def test_the_class_layer_has_few_public_methods_that_keras_has_not():
    keras_layer = keras_spaces()[1].Layer
    layer = importlib.import_module("cornu.core.layer").Layer
    methods = [name for name in dir(layer) if not name.startswith("_") and callable(getattr(layer, name))]
    ours = [name for name in methods if not hasattr(keras_layer, name)]
    assert len(ours) <= LAYER_METHOD_CAP, ours


def parameters(function: ast.FunctionDef) -> list[str]:
    """Names of the parameters, without ``self`` or ``cls``, ``*args`` and ``**kwargs``."""
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
            f"{module.file}: `{name}` takes {len(names)} parameters, and Keras does not ask for {invented}: "
            "take fewer, or list it in MANY_PARAMETERS with the reason"
        )


def keras_parameters(name: str) -> set[str]:
    """Parameters of what Keras has under the name (a function, or ``Class.method``), or under those of inheriting classes."""
    first, _, method = name.partition(".")
    found = set()
    for kind in {first, *(heirs(first) if method else ())}:
        for space in keras_spaces():
            theirs = getattr(space, kind, None)
            if method and method != "__init__" and inspect.isclass(theirs):
                theirs = getattr(theirs, method, None)
            if callable(theirs):
                found |= set(inspect.signature(theirs).parameters)
    return found


def heirs(name: str) -> set[str]:
    """Names of the classes that inherit from a class of this name, also by a detour."""
    inherits = {
        node.name: {ast.unparse(base).rpartition(".")[2] for base in node.bases}
        for module in modules()
        for node in module.tree.body
        if isinstance(node, ast.ClassDef)
    }
    return {kind for kind in inherits if name in reachable(inherits, inherits[kind])}


@cache
def keras_spaces() -> tuple:
    keras = pytest.importorskip("keras", reason="only an installed keras says which signatures are Keras's")
    named = (
        "layers losses metrics optimizers callbacks models ops activations initializers regularizers constraints utils random"
    )
    return (keras, *(getattr(keras, name) for name in named.split()), keras.ops.image, keras.ops.nn, keras.optimizers.schedules)


def test_no_exception_outlives_its_reason():
    known = {module.file for module in modules()}
    known |= {f"{module.file}:{name}" for module in modules() for name, _ in functions(module.tree)}
    listed = {*MAY_IMPORT_AN_ENGINE, *MAY_ASK_FOR_NAMES, *RAISED_CAPS, *MANY_PARAMETERS}
    assert listed <= known, f"there is no {listed - known} any more"


# --- Examples -----------------------------------------------------------------------------------------------------------------

NO_EXAMPLE_YET = frozenset((Path(__file__).parent / "no_example_yet.txt").read_text(encoding="utf-8").split())
"""``cornu.module:name`` of what has no example yet. The list only gets shorter."""


def defined(module: Module) -> dict[str, ast.AST]:
    """Public functions and classes at the top of a module."""
    kinds = (ast.ClassDef, ast.FunctionDef)
    return {node.name: node for node in module.tree.body if isinstance(node, kinds) and not node.name.startswith("_")}


def public_things() -> dict[str, ast.AST]:
    """What people can import: what public modules define, and what the ``__init__`` of a public package lists."""
    by_name = {module.name: module for module in modules()}
    things = {}
    for name in PUBLIC:
        if f"cornu.{name}" in by_name and name not in WITHOUT_EXAMPLES:
            things |= exported(by_name, f"cornu.{name}")
    for names in namespaces.NAMESPACES.values():
        for name, target in names.items():
            home, _, original = target.partition(":")
            things |= listed(by_name, home, original or name)
    return things


def exported(by_name: dict[str, Module], name: str) -> dict[str, ast.AST]:
    """The functions and classes that a module defines, and for a package those that its ``__init__`` imports."""
    module = by_name[name]
    things = {f"{name}:{inner}": node for inner, node in defined(module).items()}
    for node in module.tree.body if module.file.endswith("/__init__.py") else ():
        if isinstance(node, ast.ImportFrom) and node.module != "cornu.errors":
            for alias in node.names:
                things |= listed(by_name, node.module, alias.name)
    return things


def listed(by_name: dict[str, Module], source: str, name: str) -> dict[str, ast.AST]:
    """The functions and classes behind ``from source import name``."""
    if name == "*":
        names = names_in_all(by_name[source])
        return {
            key: node for key, node in exported(by_name, source).items() if names is None or key.rpartition(":")[2] in names
        }
    if source == "cornu":  # a module that the package works with
        return {}
    if f"{source}.{name}" in by_name:
        return exported(by_name, f"{source}.{name}")
    node = defined(by_name[source]).get(name) if source in by_name else None
    return {f"{source}:{name}": node} if node is not None else {}


def has_example(node: ast.AST) -> bool:
    return ">>>" in (ast.get_docstring(node) or "")


def test_every_public_name_is_there():
    missing = [name for name in cornu.__all__ if getattr(cornu, name, None) is None]
    assert not missing, f"`cornu.__all__` lists {missing}, which do not exist"


def test_public_things_have_an_example():
    missing = sorted(name for name, node in public_things().items() if not has_example(node) and name not in NO_EXAMPLE_YET)
    assert not missing, f"these docstrings have no `Example:` with >>> lines: {missing}"


def test_the_list_of_missing_examples_only_gets_shorter():
    done = sorted(name for name in NO_EXAMPLE_YET if name not in public_things() or has_example(public_things()[name]))
    assert not done, f"take these off tests/no_example_yet.txt: {done}"


ALONE = """
import importlib.abc, importlib.util, sys
import pytest

def is_gone(name):
    return name.partition(".")[0] in ("torch", "tensorflow")

class Gone(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if is_gone(name):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

find_spec = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if is_gone(name) else find_spec(name, package)
sys.meta_path.insert(0, Gone())
sys.exit(pytest.main(["--collect-only", "-q", "-p", "no:cacheprovider", "tests"]))
"""
"""Finds the tests as if PyTorch and TensorFlow were not installed."""


def test_the_tests_are_found_and_say_what_they_leave_out_where_jax_is_the_only_engine():
    here = Path(__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", ALONE], cwd=here, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout[-2000:]
    assert "\nengines: jax, numpy; not installed, so not tested: torch, tensorflow\n" in done.stdout
