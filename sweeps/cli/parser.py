"""The commands by name, and the parser of ``steadysweep``, whose errors propose what was probably meant."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn

from sweeps.cli.command import BAD_INPUT, Command

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS = (
    "sweeps.cli.init:COMMAND",
    "sweeps.cli.check:COMMAND",
    "sweeps.cli.run:COMMAND",
    "sweeps.cli.resume:COMMAND",
    "sweeps.cli.confirm:COMMAND",
    "sweeps.cli.add:COMMAND",
    "sweeps.cli.pause:COMMAND",
    "sweeps.cli.stop:COMMAND",
    "sweeps.cli.delete:COMMAND",
    "sweeps.cli.status:COMMAND",
    "sweeps.cli.report:COMMAND",
    "sweeps.cli.diagnose:COMMAND",
    "sweeps.cli.export:COMMAND",
    "sweeps.cli.predict:COMMAND",
    "sweeps.cli.train:COMMAND",
    "sweeps.cli.catalogue:SPACES",
    "sweeps.cli.catalogue:MODELS",
    "sweeps.cli.catalogue:AUGMENTATIONS",
    "sweeps.cli.catalogue:SCHEMA",
)
"""Module and name of each command, in the order of the help. A further command is a file and a line here."""

EPILOG = """\
first steps:
  steadysweep init images/flowers       look at the images, write sweep.yaml
  steadysweep check sweep.yaml          what is wrong; time and memory
  steadysweep run sweep.yaml            search; run it again to continue
  steadysweep report STUDY              the HTML report, from the storage alone
  steadysweep export STUDY -o DIR       the model to take, with a model card
  steadysweep predict DIR images/new    labels of images by that model
  steadysweep diagnose train.log        the same for a training run elsewhere

`steadysweep COMMAND --help` shows a command's options and examples.

exit codes: 0 done, 1 known failure, 2 bad input, 3 unexpected, 130 interrupted.
Data goes to stdout, progress and messages to stderr."""


def commands() -> dict[str, Command]:
    """Every command by name."""
    loaded: list[Command] = [getattr(import_module(module), name) for module, name in (place.split(":") for place in COMMANDS)]
    return {command.name: command for command in loaded}


def build_parser() -> argparse.ArgumentParser:
    """The parser of ``steadysweep``; the chosen command's name is in ``command``, None without one."""
    parser = TeachingParser(
        prog="steadysweep",
        description="Hyperparameter sweeps for Keras image classifiers, ranked by the validation accuracy that configurations hold.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--version",
        action=_Version,
        nargs=0,
        dest=argparse.SUPPRESS,
        default=argparse.SUPPRESS,
        help="show program's version number and exit",
    )
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    for command in commands().values():
        command.add_arguments(
            subparsers.add_parser(
                command.name,
                help=command.summary,
                description=command.description,
                epilog=command.epilog(),
                formatter_class=argparse.RawDescriptionHelpFormatter,
            )
        )
    return parser


class _Version(argparse.Action):
    """Reads the version when it is asked for: that takes a tenth of the time of ``--help``."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import PackageNotFoundError, version

        try:
            text = f"steadysweep {version('steadysweep')}"
        except PackageNotFoundError:  # a checkout that was not installed
            text = "steadysweep (not installed)"
        sys.stdout.write(f"{text}\n")
        parser.exit()


class TeachingParser(argparse.ArgumentParser):
    """An `argparse` parser that proposes the nearest command, option or value."""

    def parse_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> argparse.Namespace:  # type: ignore[override]  # noqa: ANN401
        """Parse, and name the nearest option for one that does not exist."""
        arguments: argparse.Namespace
        arguments, unknown = self.parse_known_args(args, namespace)
        if unknown:
            parser = self._chosen(arguments)
            parser.error(f"unknown {'option' if unknown[0].startswith('-') else 'argument'} {unknown[0]!r}{parser.hint(unknown[0])}")
        return arguments

    def hint(self, word: str) -> str:
        """The option that a wrong one probably means."""
        from search_spaces.errors import nearest

        near = nearest(word.partition("=")[0], [each for each in self._option_string_actions if each.startswith("--")])
        return f"; did you mean {near}?" if near and word.startswith("-") else ""

    def error(self, message: str) -> NoReturn:
        """One line of usage, the message, where help is; exit code 2."""
        self.exit(BAD_INPUT, f"{self.format_usage()}error: {message}\n`{self.prog} --help` explains.\n")

    def _chosen(self, arguments: argparse.Namespace) -> TeachingParser:
        """The parser of the command that was given."""
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - argparse has no public name for it
                parser = action.choices.get(str(getattr(arguments, action.dest, None)))
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
