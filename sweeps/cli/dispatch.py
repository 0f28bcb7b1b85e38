"""From parsed arguments to one function call; every command's module is imported only when it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable

    from sweeps.launch import LaunchOptions


def dispatch(arguments: Namespace) -> int:
    """Call the chosen command with explicit arguments and return its exit code."""
    return COMMANDS[arguments.command](arguments)


def _init(arguments: Namespace) -> int:
    from sweeps.cli.init import init

    return init(arguments.data_dir, output=arguments.output)


def _check(arguments: Namespace) -> int:
    from sweeps.cli.check import check

    return check(arguments.sweep_file, arguments.overrides, real_batch=not arguments.no_batch, output_format=arguments.format)


def _run(arguments: Namespace) -> int:
    from sweeps.cli.run import run

    return run(
        arguments.sweep_file,
        arguments.overrides,
        storage=arguments.storage,
        source=arguments.source,
        source_storage=arguments.source_storage,
        options=_launch_options(arguments),
    )


def _resume(arguments: Namespace) -> int:
    from sweeps.cli.resume import resume

    return resume(
        arguments.study,
        arguments.overrides,
        storage=arguments.storage,
        more_trials=arguments.trials,
        time_budget=arguments.time,
        options=_launch_options(arguments),
    )


def _launch_options(arguments: Namespace) -> LaunchOptions:
    from sweeps.launch import LaunchOptions

    return LaunchOptions(executor=arguments.executor, address=arguments.address, quiet=arguments.quiet)


def _status(arguments: Namespace) -> int:
    from sweeps.cli.status import status

    return status(arguments.study, storage=arguments.storage, output_format=arguments.format)


def _report(arguments: Namespace) -> int:
    from sweeps.cli.report import report

    return report(arguments.studies, storage=arguments.storage, output=arguments.output, formats=arguments.format, watch=arguments.watch)


def _diagnose(arguments: Namespace) -> int:
    from sweeps.cli.diagnose import diagnose

    return diagnose(arguments.logs, output=arguments.output, output_format=arguments.format, num_val=arguments.num_val)


def _export(arguments: Namespace) -> int:
    from sweeps.cli.export import export

    return export(arguments.study, storage=arguments.storage, wanted=arguments.rank, output=arguments.output)


def _train(arguments: Namespace) -> int:
    from sweeps.cli.train import train

    return train(arguments.sweep_file, arguments.overrides, storage=arguments.storage, quiet=arguments.quiet)


def _spaces(arguments: Namespace) -> int:
    from sweeps.cli.catalogue import spaces

    return spaces(arguments.name, output_format=arguments.format)


def _models(arguments: Namespace) -> int:
    from sweeps.cli.catalogue import models

    return models(layers=arguments.layers, image_size=arguments.image_size, output_format=arguments.format)


def _augmentations(arguments: Namespace) -> int:
    from sweeps.cli.catalogue import augmentations

    return augmentations(output_format=arguments.format)


def _schema(_: Namespace) -> int:
    from sweeps.cli.catalogue import schema

    return schema()


COMMANDS: dict[str, Callable[[Namespace], int]] = {
    "init": _init,
    "check": _check,
    "run": _run,
    "resume": _resume,
    "status": _status,
    "report": _report,
    "diagnose": _diagnose,
    "export": _export,
    "train": _train,
    "spaces": _spaces,
    "models": _models,
    "augmentations": _augmentations,
    "schema": _schema,
}
