"""Write ``docs/mistakes.md``: everyday mistakes and the text that each of them gets.

The table is that of ``tests/test_everyday_mistakes.py``, which checks every text. Run it with ``make docs``.
"""

import importlib.util
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE / "mistakes.md"

INTRODUCTION = """\
# Everyday mistakes

Cornu's exact messages for common mistakes; `tests/test_everyday_mistakes.py` checks each of them on every engine. Where there
is no message, Cornu does what was evidently meant. The code uses these names:

```python
import cornu as keras
from cornu import layers
"""


def page() -> str:
    """Return the text of the page."""
    spec = importlib.util.spec_from_file_location("mistakes", HERE.parent / "tests" / "test_everyday_mistakes.py")
    table = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(table)
    lines = [INTRODUCTION + table.PROLOG + "```\n"]
    for area, mistakes in table.MISTAKES.items():
        lines.append(f"## {area}\n")
        for name, mistake in mistakes.items():
            lines += [f"**{name[0].upper()}{name[1:]}**\n", f"```python\n{mistake.code}\n```\n"]
            text = "\n".join(f"> {line}" for line in mistake.text.splitlines())
            lines.append(f"No message: {mistake.text}.\n" if mistake.kind == "right" else f"`{mistake.kind}`\n\n{text}\n")
    return "\n".join(lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
