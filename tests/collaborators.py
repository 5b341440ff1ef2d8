"""Finds the places where code asks an object what it is, instead of relying on its protocol."""

import ast
import builtins
from collections.abc import Iterator

PACKAGE = "adaptive_diffusion"


def questions(source: str, package: str) -> list[str]:
    """The questions in ``source``, a file of ``package``, such as ``isinstance TransformerDenoiser``.

    A question is

    - ``isinstance``, ``issubclass``, a class pattern of ``match`` or a comparison of ``type(x)`` with a class of this
      repository that another package defines, or with classes that only the running program determines;
    - ``hasattr``, ``getattr`` with a default or with an unused result, or ``except AttributeError``.

    Built-in types, classes of libraries and classes of the same package may be compared with. ``getattr`` without a
    default may read columns in a loop, and a parser of plain values may catch `AttributeError` among other errors.
    """
    tree = ast.parse(source)
    file = _File(tree, package)
    return [question for node in ast.walk(tree) for question in file.questions(node)]


class _File:
    def __init__(self, tree: ast.Module, package: str) -> None:
        self.imported: dict[str, bool] = {}
        """Imported names; true where the name is from another package of ours."""
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                for alias in node.names:
                    parts = ((node.module or "") if isinstance(node, ast.ImportFrom) else alias.name).split(".")
                    other = parts[0] == PACKAGE and parts[1:2] != [package]
                    self.imported[alias.asname or alias.name.split(".")[0]] = other
        self.defined = {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
        self.constants = {
            target.id: node.value
            for node in tree.body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }

    def questions(self, node: ast.AST) -> Iterator[str]:
        match node:
            case ast.Call(func=ast.Name("isinstance" | "issubclass" as function), args=[_, classes]):
                yield from (f"{function} {name}" for name in self.collaborators(classes))
            case ast.Call(func=ast.Name("hasattr" | "getattr" as function), args=[_, name, *_]):
                if function == "hasattr" or len(node.args) == 3:
                    yield f"{function} {name.value if isinstance(name, ast.Constant) else ast.unparse(name)}"
            case ast.Expr(ast.Call(func=ast.Name("getattr"), args=[_, _])):
                yield f"unused {ast.unparse(node)}"
            case ast.Compare():
                sides = [node.left, *node.comparators]
                classes = [side for side in sides if not _is_type_of(side)]
                if len(classes) < len(sides):
                    yield from (f"type {name}" for side in classes for name in self.collaborators(side))
            case ast.MatchClass(cls=classes):
                yield from (f"case {name}" for name in self.collaborators(classes))
            case ast.ExceptHandler(type=ast.Name("AttributeError")):
                yield "except AttributeError"

    def collaborators(self, classes: ast.expr) -> Iterator[str]:
        """The names in ``classes`` that may not be compared with."""
        match classes:
            case ast.BinOp(left=left, right=right):
                yield from (*self.collaborators(left), *self.collaborators(right))
            case ast.Tuple(elements) | ast.List(elements) | ast.Set(elements):
                for element in elements:
                    yield from self.collaborators(element)
            case ast.Name(name) if name in self.constants:
                yield from self.collaborators(self.constants[name])
            case ast.Constant():
                pass
            case _ if not self.allowed(ast.unparse(classes).split(".")):
                yield ast.unparse(classes)

    def allowed(self, path: list[str]) -> bool:
        """Whether a dotted name is a built-in type, or of a library, this file or this package."""
        first = path[0]
        built_in = path[1:] == [] and isinstance(getattr(builtins, first, None), type)
        return built_in or first in self.defined or self.imported.get(first) is False


def _is_type_of(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "type"
