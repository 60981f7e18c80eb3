"""Rules about signatures, read from the source: what constructors pass to their base class, and what annotations say."""

import ast
from collections.abc import Iterator
from pathlib import Path

import cornu

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


MOST_UNTYPED = 500
"""The most annotations of the package that say nothing: ``Any`` and ``object``. Lower it when the number falls."""


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
