"""A person's own functions, named in the settings as ``package.module:function``: found, called, and their errors told as theirs.

No TensorFlow. Both `model.backbone` and `data.source` use this, so that both find the same files and fail in the same words.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainer.errors import TrainerError, UserCodeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

OUR_PACKAGES = ("trainer", "sweeps", "reports", "search_spaces")
"""Top-level packages of this distribution. Python imports one module of a name, and these must stay ours."""


LIBRARIES = ("keras", "hf", "tfds", "keras_hub")
"""Words before a colon that name a library's data sets or networks, and no module of a person's."""


def is_reference(text: str) -> bool:
    """Whether a text has the form ``package.module:function``; ``function`` may have dots (a method of a class)."""
    module, colon, function = text.partition(":")
    return bool(colon) and module not in LIBRARIES and all(step.isidentifier() for step in (*module.split("."), *function.split(".")))


def check_reference(reference: str, key: str) -> None:
    """Refuse a reference to a file that one of our packages hides; nothing is imported.

    Args:
        reference: ``package.module:function``.
        key: the setting, e.g. ``model.backbone``, for the message.

    Raises:
        UserCodeError: the module has the name of one of our packages, and our package has no such module.
    """
    module, _, function = reference.partition(":")
    package, *inner = module.split(".")
    if package in OUR_PACKAGES and not _is_ours(package, inner):
        raise UserCodeError(
            f"{key}: {reference!r} does not reach your {package}.py (or folder {package}/): the installed package {package!r} of Steadysweep has "
            f"the same name and hides it. Rename yours, e.g. to my_{package}.py, and write {key}: my_{'.'.join([package, *inner])}:{function}"
        )


def _is_ours(package: str, inner: list[str]) -> bool:
    """Whether our package holds this module. A package itself holds no backbone and no data, so that its bare name always means a file of the person's."""
    path = Path(__file__).parents[1].joinpath(package, *inner)
    return bool(inner) and (path.with_suffix(".py").is_file() or (path / "__init__.py").is_file())


def check_module(reference: str, key: str) -> None:
    """Make sure that the module of a reference is there, without importing it: a backbone's imports TensorFlow.

    Args:
        reference: ``package.module:function``.
        key: the setting, for the message.

    Raises:
        UserCodeError: there is none, or one of our packages hides it.
    """
    check_reference(reference, key)
    module = reference.partition(":")[0]
    package = module.partition(".")[0]
    with _current_folder_last():
        there = package in sys.modules or importlib.util.find_spec(package) is not None
    if not there:
        raise UserCodeError(_missing(f"No module named {package!r}", reference, key))


def _missing(error: object, reference: str, key: str) -> str:
    return (
        f"{key}: cannot import {reference.partition(':')[0]!r} of {reference!r}: {error}. Expected package.module:function with a module beside the sweep file, "
        f"in the current folder ({Path.cwd()}) or on the Python path"
    )


def import_function(reference: str, key: str) -> Callable[..., Any]:
    """The function that a reference names. Modules in the current folder are found too, after all others.

    Args:
        reference: ``package.module:function``.
        key: the setting, for messages.

    Raises:
        UserCodeError: there is no such module or function, one of our packages hides it, or its module raises an error.
    """
    check_reference(reference, key)
    module_name, _, function_name = reference.partition(":")
    try:
        with _current_folder_last():
            found: Any = importlib.import_module(module_name)
    except Exception as error:
        if isinstance(error, ModuleNotFoundError) and error.name is not None and f"{module_name}.".startswith(f"{error.name}."):
            raise UserCodeError(_missing(error, reference, key)) from error
        raise _raised(error, reference, key, "importing its module") from error
    for step in function_name.split("."):
        if not hasattr(found, step):
            raise UserCodeError(f"{key}: {reference!r} cannot be imported: module {module_name!r} has no function {function_name!r}")
        found = getattr(found, step)
    if not callable(found):
        raise UserCodeError(f"{key}: {reference!r} is a {type(found).__name__}, not a function")
    return found  # type: ignore[no-any-return]


def place_of(reference: str) -> str:
    """The file of a reference's module or package, found without importing it; where it would be looked for, if there is none."""
    package = reference.partition(":")[0].partition(".")[0]
    with _current_folder_last():
        spec = importlib.util.find_spec(package)
    places = [] if spec is None else [spec.origin, *(spec.submodule_search_locations or ())]
    return next((str(Path(place).resolve()) for place in places if place), f"a module of that name (there is none in {Path.cwd()})")


def call_function(reference: str, key: str, /, *positional: Any, **arguments: Any) -> Any:  # noqa: ANN401 - whatever the person's function takes and returns
    """Import a person's function and call it.

    Args:
        reference: ``package.module:function``.
        key: the setting, for messages.
        *positional: given to the function by place; messages tell the shapes of arrays.
        **arguments: given to the function by name.

    Raises:
        UserCodeError: as `import_function`, or the function raises an error: the message names its file and line.
        TrainerError: one that the function itself met in this package, as it is.
    """
    function = import_function(reference, key)
    given = ", ".join([*map(_shown, positional), *(f"{name}={_shown(value)}" for name, value in arguments.items())])
    with errors_of(reference, key, f"calling it with {given or 'no arguments'}"):
        return function(*positional, **arguments)


@contextlib.contextmanager
def errors_of(reference: str, key: str, action: str) -> Iterator[None]:
    """Inside runs a person's code, e.g. that of an object which their function returned: its errors are told as theirs.

    Args:
        reference: ``package.module:function``.
        key: the setting, for messages.
        action: what is being done, in words that follow "when".

    Raises:
        UserCodeError: an error was raised inside; the message names their file and line.
        TrainerError: one of this package, as it is.
    """
    try:
        with _current_folder_last():
            yield
    except TrainerError:
        raise
    except Exception as error:
        raise _raised(error, reference, key, action) from error


def _shown(value: Any) -> str:  # noqa: ANN401 - as above
    shape = getattr(value, "shape", None)
    return repr(value) if shape is None else f"an array {tuple(shape)}"


@contextlib.contextmanager
def _current_folder_last() -> Iterator[None]:
    """The current folder at the end of the search path, so that nothing in it hides an installed package."""
    here = str(Path.cwd())
    added = here not in sys.path
    if added:
        sys.path.append(here)
    try:
        yield
    finally:
        if added and here in sys.path:
            sys.path.remove(here)


def _raised(error: Exception, reference: str, key: str, action: str) -> UserCodeError:
    """An error of the person's code in our words: what was raised, in which of their files and lines."""
    place = _place(error, reference)
    return UserCodeError(
        f"{key}: {reference!r} raised {type(error).__name__}: {error}"
        + (f" ({place})" if place else "")
        + f" when {action}. The error is in that code, not in Steadysweep; correct it there"
    )


def _place(error: Exception, reference: str) -> str:
    """File and line in the person's folder where an error arose; empty where it arose before their code ran."""
    if isinstance(error, SyntaxError) and error.filename is not None:
        return f"{error.filename}, line {error.lineno}"
    module = reference.partition(":")[0]
    frames = traceback.extract_tb(error.__traceback__)
    origin = getattr(sys.modules.get(module), "__file__", None)
    with contextlib.suppress(ImportError, ValueError), _current_folder_last():  # a module that failed while it was imported
        origin = origin or getattr(importlib.util.find_spec(module), "origin", None)
    own = [frame for frame in frames if origin is not None and Path(frame.filename).is_relative_to(Path(origin).parent)]
    return f"{own[-1].filename}, line {own[-1].lineno}, in {own[-1].name}" if own else ""
