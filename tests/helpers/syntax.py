"""What Python files state, for tests that read them: statements without their expressions, which are most."""

import ast
import collections
from collections.abc import Iterator


def statements(text: str) -> Iterator[ast.AST]:
    """The module, its statements, and all below them but expressions, in the order of `ast.walk`."""
    to_do = collections.deque[ast.AST]([ast.parse(text)])
    while to_do:
        node = to_do.popleft()
        yield node
        to_do += [each for each in ast.iter_child_nodes(node) if not isinstance(each, ast.expr)]
