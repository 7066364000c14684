"""What the libraries keep to themselves: nothing but the seams uses it, or hides it by accident.

The linter sees private names of other objects; those that a class inherits it does not.
"""

import ast
import inspect
import textwrap
from collections.abc import Iterator

import pytest
import socketio
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from whatchat import pod  # and with it all that is derived from the libraries
from whatchat.realtime import seams

LIBRARY_CLASSES = (
    HttpToolsProtocol,
    socketio.AsyncManager,
    socketio.AsyncNamespace,
    socketio.AsyncServer,
    uvicorn.Config,
    uvicorn.Server,
)


def derived(base: type) -> Iterator[type]:
    """Classes of the product that inherit from a library's, the seams' own left out."""
    children: list[type] = base.__subclasses__()
    for child in children:
        if child.__module__.startswith(pod.__name__.partition(".")[0]):
            if child.__module__ != seams.__name__:
                yield child
            yield from derived(child)


def private_names(owner: type) -> set[str]:
    """The private names that a class's own code defines, or reaches through ``self``."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(owner)))
    names = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in {"self", "super()"}
    } | {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    return {name for name in names if name.startswith("_") and not name.endswith("__")}


def kept_by_libraries(owner: type) -> set[str]:
    """The private names of all that a class inherits and is not ours."""
    foreign = (
        base
        for base in owner.__mro__
        if base.__module__.partition(".")[0] in {"engineio", "socketio", "uvicorn"}
    )
    return set().union(*map(private_names, foreign))


DERIVED = [child for base in LIBRARY_CLASSES for child in derived(base)]


def test_the_classes_that_inherit_are_found() -> None:
    assert {"BoundedHttp", "Members", "PodServer", "SocketServer"} <= {
        child.__name__ for child in DERIVED
    }
    assert "_handle_connect" in kept_by_libraries(seams.LibraryServer)


@pytest.mark.parametrize("owner", DERIVED, ids=lambda owner: owner.__name__)
def test_a_class_keeps_out_of_what_it_inherits(owner: type) -> None:
    assert private_names(owner) & kept_by_libraries(owner) == set()
