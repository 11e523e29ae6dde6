"""Runs notebooks without Jupyter, and writes what their cells show.

`python -m tests.helpers.notebooks FILE` puts the outputs into the file.
"""

import ast
import contextlib
import io
import json
import sys
from pathlib import Path
from typing import Any

Output = dict[str, Any]


def run(path: Path) -> list[list[Output]]:
    """The outputs of the cells of code, run in their order in the working directory."""
    space: dict[str, Any] = {"__name__": "__main__"}
    return [_outputs("".join(cell["source"]), space) for cell in cells(path)]


def cells(path: Path) -> list[dict[str, Any]]:
    """The cells of code of a notebook."""
    return [cell for cell in json.loads(path.read_text("utf-8"))["cells"] if cell["cell_type"] == "code"]


def _outputs(code: str, space: dict[str, Any]) -> list[Output]:
    """What one cell prints and shows, as a notebook keeps it."""
    tree = ast.parse(code)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    printed, shown = io.StringIO(), None
    with contextlib.redirect_stdout(printed):
        exec(compile(tree, "cell", "exec"), space)
        if last is not None:
            assert isinstance(last, ast.Expr)
            shown = eval(compile(ast.Expression(last.value), "cell", "eval"), space)
    found: list[Output] = []
    if printed.getvalue():
        found.append({"output_type": "stream", "name": "stdout", "text": _lines(printed.getvalue())})
    if shown is not None:
        page = getattr(shown, "_repr_html_", lambda: None)()
        plain = repr(shown) if not page else repr(shown)[:200]
        data = {"text/plain": _lines(plain)} | ({"text/html": _lines(page)} if page else {})
        found.append({"output_type": "execute_result", "execution_count": None, "metadata": {}, "data": data})
    return found


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def write_outputs(path: Path) -> None:
    """Runs a notebook in a folder of its own, and puts the outputs into its file."""
    import tempfile

    place = path.resolve()
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        outputs = iter(run(place))
    content = json.loads(place.read_text("utf-8"))
    number = 0
    for cell in content["cells"]:
        if cell["cell_type"] == "code":
            number += 1
            cell["outputs"] = next(outputs)
            cell["execution_count"] = number
            for each in cell["outputs"]:
                if "execution_count" in each:
                    each["execution_count"] = number
    place.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_outputs(Path(sys.argv[1]))
