"""Docstrings, comments, error messages and documents use standard technical English with US spelling.

Checked is prose only: comments, docstrings, and string literals of several words. Code is not checked: identifiers, text in
backticks, ``>>>`` examples and fenced or indented code blocks.
"""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = (
    "README.md",
    "CONTRIBUTING.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "Makefile",
    "pyproject.toml",
    "docs/*.md",
    "docs/*.py",
    "examples/**/*.md",
    "examples/**/*.py",
    "benchmarks/*.py",
    "benchmarks/results/README.md",
    "tests/README.md",
    "tests/**/*.py",
    "src/cornu/**/*.py",
)
FILES = sorted(
    {path.relative_to(ROOT).as_posix() for pattern in DOCUMENTS for path in ROOT.glob(pattern)} - {"tests/test_language.py"}
)

PHRASES = {
    r"pictures?": "image",
    r"whole numbers?": "integer",
    r"(?:the|its|their|these|those|whose|all|some|other|plain|same|few|many) numbers(?! of)": "elements, values",
    r"(?:arrays?|tensors?|rows?|blocks?|batch|batches|vectors?) of numbers": "elements, values",
    r"(?:is|are|was|were|be|been) told": "receives",
    r"for the sake of|for \w+'s sake": "for compatibility with",
    r"of (?:one|Cornu|Keras|Python|PyTorch|JAX|TensorFlow|NumPy|somebody|the user|a user)'s own": "custom, private",
    r"by (?:itself|themselves)": "automatically, alone",
    r"anew": "again",
    r"beside": "next to, together with, compared with",
    r"(?:somebody|anybody|nobody|everybody|whoever|whatever it is)": "the user, the caller, code",
    r"house|rooms?": "package",
    r"floors?(?! division)(?! of (?:the |a )?(?:quotient|division|formula|value|number))": "tier",
    r"roads?": "path",
    r"tricks?|lends?|lent|borrow(?:s|ed|ing)?|waver(?:s|ed|ing)?|voices?": "a literal expression",
    r"(?:make|makes|made|making) (?:small|smaller|less)": "minimize, reduce",
    r"look(?:s|ed|ing)? at|looks? closely": "validate, inspect, read",
    r"(?:held|holds?|holding)(?: \w+){0,4} against": "compare with, verify against",
    r"the like|and the likes?|their like": "similar values",
    r"(?<!there\s)(?:is|are) (?-i:none)": "is not one, is invalid",
    r"as many as": "the number of",
    r"at all(?=\s*(?:[.,;:)]|$))": "(omit)",
    r"made of|consists? of what": "contains",
    r"gives|gave|give the same": "returns, produces",
    r"(?:give|given|giving|hands?|handed|handing) (?:back|on)": "returns, passes",
    r"line by line": "eagerly",
    r"goes wrong|went wrong|in vain": "fails",
}
"""Phrases that are not used, as regular expressions between word boundaries, and what to write instead."""

VERBS_IN_IZE = (
    "categor|custom|deserial|discret|equal|factor|final|general|initial|linear|local|maxim|memor|minim|normal|optim|organ|"
    "parametr|parameter|penal|polar|priorit|quant|random|real|recogn|regular|serial|special|stabil|standard|summar|symbol|"
    "synchron|token|util|vector|visual"
)
BRITISH = (
    rf"(?:de|re|un)?(?:{VERBS_IN_IZE})is(?:e|es|ed|er|ers|ing|ation|ations)",
    r"colour\w*|grey\w*|(?:behavi|neighb|fav|flav|hon|rig)our\w*",
    r"analys(?:e|ed|ing)|(?:centre|metre|fibre)[sd]?|centring",
    r"(?:label|model|cancel|travel|signal|marshal|channel)l(?:ed|ing)",
    r"licence[sd]?|defence|artefacts?|programmes?|catalogues?|judgements?|whilst|amongst|learnt|fulfil|fulfils",
)
"""British spellings, as regular expressions of whole words."""

ALLOWED = {
    ("src/cornu/datasets/california_housing.py", "rooms"): "a feature of the data set",
    ("src/cornu/datasets/cifar100.py", "house"): "the name of a class of the data set",
    ("src/cornu/datasets/cifar100.py", "road"): "the name of a class of the data set",
    ("src/cornu/optimizers/schedule_free_adamw.py", "road"): "the title of a paper",
    ("tests/models/test_graph_config.py", "floor"): "the name of an op",
}
"""``(file, text)`` that is used nevertheless, with the reason. The text is compared in lower case."""

RULES = {
    re.compile(rf"\b(?:{pattern})\b".replace(" ", r"\s+"), re.IGNORECASE): instead
    for pattern, instead in {**PHRASES, "|".join(BRITISH): "US spelling"}.items()
}
"""Compiled rules, in which a space matches any white space, and what to write instead."""

CODE = re.compile(r"``.+?``|`[^`]+`|https?://\S+|\w*_\w+|\w+(?:\.\w+)+\(?|\w+\(", re.DOTALL)
"""Parts of a text that are code: in backticks, addresses, names with an underscore or a dot, calls."""


def blank(text: str) -> str:
    """Replace all characters but line breaks, so that positions stay the same."""
    return re.sub(r"[^\n]", "#", text)


def without_code(text: str) -> str:
    """Return a docstring, a comment or a Markdown text with its code replaced by ``#``."""
    text = re.sub(r"^```.*?^```", lambda found: blank(found[0]), text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"^ *>>> .*?(?=\n *\n|\Z)", lambda found: blank(found[0]), text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"::\n *\n( +)\S.*(?:\n(?:\1.*| *$))*", lambda found: blank(found[0]), text, flags=re.MULTILINE)
    return CODE.sub(lambda found: blank(found[0]), text)


def violations(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield the line (from 0), the phrase and what to write instead, for each phrase of a text that is not used."""
    prose = without_code(text)
    for rule, instead in RULES.items():
        for found in rule.finditer(prose):
            yield text.count("\n", 0, found.start()), " ".join(found[0].lower().split()), instead


def is_prose(text: str) -> bool:
    return len(text.split()) > 2


def string_of(node: ast.AST) -> str | None:
    """Return the text of a string literal, with ``{}`` for the values in an f-string."""
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def strings(node: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the string literals of a tree with their lines; those inside f-strings belong to these."""
    text = string_of(node)
    if text is not None:
        yield node.lineno, text
    else:
        for inner in ast.iter_child_nodes(node):
            yield from strings(inner)


def comments(source: str) -> Iterator[tuple[int, str]]:
    """Yield blocks of consecutive comment lines with the line of the first one."""
    line, lines = 0, []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            if lines and token.start[0] != line + len(lines):
                yield line, "\n".join(lines)
                lines = []
            line = line if lines else token.start[0]
            lines.append(token.string.lstrip("#: "))
    if lines:
        yield line, "\n".join(lines)


def texts(file: str) -> Iterator[tuple[int, str]]:
    """Yield the prose of a file, each text with its first line."""
    source = (ROOT / file).read_text(encoding="utf-8")
    if not file.endswith(".py"):
        yield 1, source
        return
    yield from comments(source)
    yield from ((line, text) for line, text in strings(ast.parse(source)) if is_prose(text))


@pytest.mark.parametrize("file", FILES)
def test_texts_are_in_standard_technical_english(file):
    found = [
        f"{file}:{first + line}: {phrase!r}; use: {instead}"
        for first, text in texts(file)
        for line, phrase, instead in violations(text)
        if (file, phrase) not in ALLOWED
    ]
    assert not found, "\n" + "\n".join(found)


def test_all_exceptions_are_used():
    used = {
        (file, phrase) for file in {file for file, _ in ALLOWED} for _, text in texts(file) for _, phrase, _ in violations(text)
    }
    assert ALLOWED.keys() <= used, f"remove {ALLOWED.keys() - used} from ALLOWED"


@pytest.mark.parametrize(
    "text",
    [
        "The pictures of a batch.",
        "`x` must be a whole number.",
        "It is\n    told the model.",
        "Round down::\n\n        x\n\n    to whole numbers.",
        "Is held against the model.",
        "Which floor it is on.",
        "Nobody would notice.",
        "Normalise the colours.",
        "The centre of a grey image.",
        "Behaviour of a labelled example.",
    ],
)
def test_the_rules_find_violations(text):
    assert list(violations(text))


@pytest.mark.parametrize(
    "text",
    [
        "The image is normalized, its colors are not.",
        "The argument ``picture`` and the function `whole number`.",
        "    Round down::\n\n        the pictures are told anew\n\n    to integers.",
        "Example:\n    >>> picture = 1\n    >>> picture\n    1\n",
        "```text\npictures\n```\nend",
        "Call picture_grid or plots.picture().",
        "Compute the analyses; likewise the floor division.",
        "Return the numbers of units, None if there are none.",
    ],
)
def test_the_rules_allow_code_and_standard_terms(text):
    assert not list(violations(text))


def test_comments_and_strings_of_a_module_are_found():
    source = '"""One\ntwo three."""\n\nx = "key"  # why\n# and how\nraise E(f"not {x} of", "it " "is so")\n'
    assert list(comments(source)) == [(4, "why\nand how")]
    assert list(strings(ast.parse(source))) == [(1, "One\ntwo three."), (4, "key"), (6, "not {} of"), (6, "it is so")]


def test_names_in_tests_are_in_standard_technical_english():
    words = re.compile(r"kerass|picture|whole_number|colour|grey", re.IGNORECASE)
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {name}"
        for path in sorted((ROOT / "tests").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in (getattr(node, "name", None), getattr(node, "id", None), getattr(node, "arg", None))
        if isinstance(name, str) and words.search(name)
    ]
    assert not found, "\n" + "\n".join(found)
