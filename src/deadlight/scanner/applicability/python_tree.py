"""Going through syntax trees: `ast.walk` takes twice as long as the parser needs to make the tree."""

import ast

_LEAVES = frozenset({"ctx", "op", "ops", "id", "attr", "arg", "name", "asname", "module", "kind", "type_comment"})
"""Fields with nothing in them but texts, operators and contexts, which nobody asks for by themselves.

`arg` and `name` are texts wherever they are; arguments of functions are in `args`.
"""

_fields_of: dict[type, tuple[str, ...]] = {}
"""The fields of each type of node that can have other nodes in them."""


def list_nodes(tree: ast.AST) -> list[ast.AST]:
    """The tree's nodes without operators and contexts, in the order of `ast.walk`: parents before their children."""
    nodes = [tree]
    for node in nodes:  # which grows meanwhile
        fields = _fields_of.get(type(node))
        for name in _fields(type(node)) if fields is None else fields:
            value = getattr(node, name, None)
            if type(value) is list:
                nodes += [item for item in value if isinstance(item, ast.AST)]
            elif isinstance(value, ast.AST):
                nodes.append(value)
    return nodes


def _fields(kind: type[ast.AST]) -> tuple[str, ...]:
    return _fields_of.setdefault(kind, tuple(name for name in kind._fields if name not in _LEAVES))
