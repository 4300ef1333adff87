"""Going through syntax trees gives what `ast.walk` gives, less what nobody asks for."""

import ast
import inspect

import pytest

from deadlight.scanner.applicability.python_tree import list_nodes

_LEFT_OUT = (ast.expr_context, ast.operator, ast.unaryop, ast.cmpop, ast.boolop)

_RARE = """
async def f(a: int = 1, /, *b: str, c=2, **d) -> None:
    global g
    match a:
        case {"x": [1, *rest], **others} if c: pass
        case Point(x=0) | None as whole: pass
    async with a as b, c: pass
    try: await f()
    except* (KeyError, OSError) as e: raise e from None
    return [x async for x in y if x < 1 < 2], {**k, 1: lambda q: (yield q)}, f"{a!r:>{b}}", a[1:2, ::3], (n := -1)
@decorated(by="x")
class C(B, metaclass=M): x: int = 1; del x
"""


@pytest.mark.parametrize("source", [_RARE, *(inspect.getsource(module) for module in (ast, inspect, pytest))])
def test_every_node_is_listed_in_order(source: str) -> None:
    tree = ast.parse(source)
    assert list_nodes(tree) == [node for node in ast.walk(tree) if not isinstance(node, _LEFT_OUT)]
