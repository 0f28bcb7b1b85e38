"""A parser whose errors teach: the nearest command, option or value, and where to read on."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Sequence

BAD_INPUT = 2


class TeachingParser(argparse.ArgumentParser):
    """An `argparse` parser that proposes what was probably meant."""

    def parse_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> argparse.Namespace:  # type: ignore[override]  # noqa: ANN401
        """Parse, and name the nearest option for one that does not exist."""
        found: argparse.Namespace
        found, unknown = self.parse_known_args(args, namespace)
        if unknown:
            parser = self._chosen(found)
            parser.error(f"unknown {'option' if unknown[0].startswith('-') else 'argument'} {unknown[0]!r}{parser.hint(unknown[0])}")
        return found

    def hint(self, word: str) -> str:
        """The option that a wrong one probably means."""
        from search_spaces.errors import nearest

        near = nearest(word.partition("=")[0], [each for each in self._option_string_actions if each.startswith("--")])
        return f"; did you mean {near}?" if near and word.startswith("-") else ""

    def error(self, message: str) -> NoReturn:
        """One line of usage, the message, where help is; exit code 2."""
        self.exit(BAD_INPUT, f"{self.format_usage()}error: {message}\n`{self.prog} --help` explains.\n")

    def _chosen(self, found: argparse.Namespace) -> TeachingParser:
        """The parser of the command that was given."""
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - argparse has no public name for it
                parser = action.choices.get(str(getattr(found, action.dest, None)))
                if isinstance(parser, TeachingParser):
                    return parser
        return self

    def _check_value(self, action: argparse.Action, value: Any) -> None:  # noqa: ANN401 - as argparse has it
        """Refuse a value that is no choice, and propose the nearest."""
        if action.choices is None or value in action.choices:
            return
        from search_spaces.errors import nearest

        near = nearest(str(value), [str(each) for each in action.choices], least=0.5)
        kind = "command" if isinstance(action, argparse._SubParsersAction) else "value"  # noqa: SLF001 - as above
        hint = f"; did you mean {near!r}?" if near else "."
        where = None if kind == "command" else action
        raise argparse.ArgumentError(where, f"unknown {kind} {value!r}{hint} Expected one of: {', '.join(map(str, action.choices))}")
