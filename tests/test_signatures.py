"""Rules about how constructors pass arguments to the constructor of their base class, read from the source."""

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
