"""The arguments of every command; imports nothing heavy, so that ``--help`` answers at once."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from sweeps.cli.examples import examples_text
from sweeps.cli.teaching_parser import TeachingParser
from sweeps.cli.version import version_text

if TYPE_CHECKING:
    from collections.abc import Callable

EPILOG = """\
first steps:
  steadysweep init images/flowers       look at the images and write sweep.yaml
  steadysweep check sweep.yaml          findings, one real batch, time and memory estimates
  steadysweep run sweep.yaml            search; run it again to continue after a crash
  steadysweep report STUDY              the HTML report, from the storage alone
  steadysweep diagnose train.log        the same statistics for a training run elsewhere

`steadysweep COMMAND --help` shows a command's options and examples.

exit codes: 0 done, 1 known failure, 2 bad input, 3 unexpected, 130 interrupted.
Data goes to stdout, progress and messages to stderr."""

EXIT_CODES = {
    "check": "exit codes: 0 ready, 2 the file cannot be used or a finding would make the results worthless, 1, 3.",
    "run": "exit codes: 0 done, 1 given up (the message says why), 2 bad input, 3 unexpected, 130 interrupted: run it again.",
    "resume": "exit codes: 0 done, 1 given up (the message says why), 2 bad input, 3 unexpected, 130 interrupted: run it again.",
    "train": "exit codes: 0 done, 1 given up (the message says why), 2 bad input, 3 unexpected, 130 interrupted: run it again.",
    "diagnose": "exit codes: 0 every log was read, 2 a log could not be read (the others are told), 3 unexpected.",
}
OTHER_EXIT_CODES = "exit codes: 0 done, 1 known failure, 2 bad input, 3 unexpected."

STORAGE_HELP = (
    "sqlite:///FILE.db or postgresql+psycopg://USER@HOST/DB, with ${VARIABLES} for secrets; default: $STEADYSWEEP_STORAGE, else ./STUDY.db"
)


def build_parser() -> argparse.ArgumentParser:
    """The parser of ``steadysweep``; the chosen command's name is in ``command``, None without one."""
    parser = TeachingParser(
        prog="steadysweep",
        description="Hyperparameter sweeps for Keras image classifiers, ranked by the validation accuracy that configurations hold.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=version_text())
    commands: Commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    for add in (
        _init, _check, _run, _resume, _status, _report, _diagnose, _export, _train, _spaces, _models, _augmentations, _schema,
    ):  # fmt: skip
        add(commands)
    return parser


if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[TeachingParser]  # noqa: SLF001 - argparse has no public name for it
    Add = Callable[[Commands], None]


def _command(commands: Commands, name: str, summary: str, description: str) -> TeachingParser:
    epilog = f"{examples_text(name)}\n\n{EXIT_CODES.get(name, OTHER_EXIT_CODES)}"
    return commands.add_parser(
        name, help=summary, description=description, epilog=epilog.lstrip(), formatter_class=argparse.RawDescriptionHelpFormatter
    )


def _sweep_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sweep_file", metavar="SWEEP.yaml", help="the sweep file")
    _overrides(parser)


def _overrides(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--set", action="append", default=[], dest="overrides", metavar="KEY=VALUE",
        help="override one setting, e.g. training.epochs=5; a searched parameter is fixed by it (repeatable)",
    )  # fmt: skip


def _storage(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--storage", metavar="URL", help=STORAGE_HELP)


def _execution(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--address", metavar="ADDR", help="join this Ray cluster (host:port or 'auto') instead of starting one here")
    parser.add_argument(
        "--executor",
        choices=("ray-core", "ray-tune", "inline"),
        default="ray-core",
        help="who runs the trials: worker processes of our own on Ray, kept warm and given the trials that they are warm for (ray-core, "
        "the default), Ray Tune (ray-tune), or this process (inline)",
    )
    parser.add_argument("--quiet", action="store_true", help="no progress, only warnings and the result")


def _format(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", choices=("text", "json"), default="text", help="default: %(default)s")


def _init(commands: Commands) -> None:
    parser = _command(
        commands, "init", "look at a folder of images and write a sweep file that fits it",
        "Counts classes, sizes, balance, duplicates and unreadable files in DATA_DIR\n(one folder a class) and writes a commented sweep file.",
    )  # fmt: skip
    parser.add_argument("data_dir", metavar="DATA_DIR", help="folder of class folders")
    parser.add_argument(
        "-o", "--output", default="sweep.yaml", metavar="FILE", help="default: %(default)s; an existing file is never overwritten"
    )


def _check(commands: Commands) -> None:
    parser = _command(
        commands, "check", "validate file, space and data; run one real batch; estimate time and memory",
        "Validates the sweep file and its space, loads the data, runs the pre-flight checks and\n"
        "one real batch forward and backward, and estimates memory, time per trial and for the sweep.\n"
        "Exit code 2 when a finding would make the sweep's results worthless.",
    )  # fmt: skip
    _sweep_arguments(parser)
    parser.add_argument("--no-batch", action="store_true", help="skip the real batch and the estimates (no TensorFlow is started)")
    _format(parser)


def _run(commands: Commands) -> None:
    parser = _command(
        commands, "run", "run a sweep, or continue it where it was left",
        "Runs the sweep; if its study exists in the storage it is continued: nothing finished is lost,\n"
        "interrupted trials go on from their checkpoints. Ctrl-C once: checkpoint and stop; twice: stop at once.\n"
        "With --from, a new study begins with the trials of an old one: a wider space, more epochs, another sampler.",
    )  # fmt: skip
    parser.add_argument("sweep_file", metavar="SWEEP.yaml", nargs="?", help="the sweep file; with --from it may be left out")
    _overrides(parser)
    parser.add_argument("--from", dest="source", metavar="STUDY", help="begin a new study with this one's trials as history")
    parser.add_argument("--from-storage", dest="source_storage", metavar="URL", help="where that study is, if not in the new one's storage")
    _storage(parser)
    _execution(parser)


def _resume(commands: Commands) -> None:
    parser = _command(
        commands, "resume", "continue a study from its storage alone",
        "Needs the storage, the data and your own code, not the sweep file. --set changes resources, runtime, budget and reports,\n"
        "narrows the space, or says where the data lies now; what makes it another study is refused.",
    )  # fmt: skip
    parser.add_argument("study", metavar="STUDY", help="its name in the storage")
    _overrides(parser)
    _storage(parser)
    parser.add_argument("--trials", metavar="+N", help="search N more configurations than the study asked for")
    parser.add_argument("--time", metavar="T", help="wall-clock budget of this run, e.g. 2h or 30m")
    _execution(parser)


def _status(commands: Commands) -> None:
    parser = _command(
        commands, "status", "studies and states in a storage; one study's progress and leaders",
        "Reads the storage only; usable from another shell at any time.",
    )  # fmt: skip
    parser.add_argument("study", metavar="STUDY", nargs="?", help="its name in the storage; default: every study")
    _storage(parser)
    _format(parser)


def _report(commands: Commands) -> None:
    parser = _command(
        commands, "report", "the report of a study, from its storage alone",
        "Writes one self-contained HTML file (default STUDY.html), or JSON, CSV, Markdown.\nSeveral studies give a page that compares them.\n"
        "Also reads sweeps of Ray Tune, Optuna, KerasTuner, MLflow and W&B, and folders of logs with settings:\nname the folder, file or address.",
    )  # fmt: skip
    parser.add_argument(
        "studies",
        metavar="STUDY",
        nargs="+",
        help="its name in the storage, or the place of a sweep made elsewhere; several are compared on one page",
    )
    _storage(parser)
    parser.add_argument("-o", "--output", metavar="FILE", help="default: STUDY.html for html, else stdout")
    parser.add_argument(
        "--format", default="html", metavar="FORMATS", help="html, json, csv, md, or several with commas (default: %(default)s)"
    )
    parser.add_argument("--watch", action="store_true", help="write it again every few seconds until the sweep ends")


def _diagnose(commands: Commands) -> None:
    parser = _command(
        commands, "diagnose", "score, flags and verdict for logs of trainings run elsewhere",
        "Reads console logs of Keras 1, 2, tf.keras and 3, CSVLogger and History files, Jupyter notebooks\nand TensorBoard event files; '-' is standard input.",
    )  # fmt: skip
    parser.add_argument(
        "logs",
        metavar="LOG",
        nargs="+",
        help="a file, a folder of TensorBoard events or of a sweep made elsewhere, or - for standard input",
    )
    parser.add_argument("-o", "--output", metavar="FILE.html", help="also write the HTML report")
    parser.add_argument("--format", choices=("text", "json", "html"), default="text", help="what goes to stdout (default: %(default)s)")
    parser.add_argument("--num-val", type=int, metavar="N", help="validation images; default: inferred from the values where possible")


def _export(commands: Commands) -> None:
    parser = _command(
        commands, "export", "a configuration's model, its config and a model card",
        "Writes model.keras (stock Keras layers), config.yaml and a model card with curve, flags and confidence.",
    )  # fmt: skip
    parser.add_argument("study", metavar="STUDY", help="its name in the storage")
    _storage(parser)
    parser.add_argument("--rank", type=int, default=1, metavar="N", help="rank of the configuration in the report (default: %(default)s)")
    parser.add_argument("-o", "--output", required=True, metavar="DIR", help="a new folder")


def _train(commands: Commands) -> None:
    parser = _command(
        commands, "train", "train one configuration with the same records and report",
        "Trains one configuration of the sweep file in this process: its fixed settings, plus --set for searched parameters.\n"
        "What is searched and not set has its default, and is named. The study is called STUDY-CONFIGURATION.",
    )  # fmt: skip
    _sweep_arguments(parser)
    _storage(parser)
    parser.add_argument("--quiet", action="store_true", help="no progress, only warnings and the result")


def _spaces(commands: Commands) -> None:
    parser = _command(commands, "spaces", "the search spaces that ship", "Lists the shipped spaces; with NAME, prints that space's YAML.")
    parser.add_argument("name", metavar="NAME", nargs="?", help="of a shipped space; prints it as YAML")
    _format(parser)


def _models(commands: Commands) -> None:
    parser = _command(
        commands, "models", "the backbones that ship",
        "Lists the backbones; with --layers, prints a backbone's layers, blocks and what each freezing boundary means.",
    )  # fmt: skip
    parser.add_argument("--layers", metavar="NAME", help="the layer table of this backbone")
    parser.add_argument("--image-size", type=int, metavar="PX", help="image size for --layers; default: the backbone's own")
    _format(parser)


def _augmentations(commands: Commands) -> None:
    _format(_command(commands, "augmentations", "the augmentation policies that ship", "Lists the named policies with their parameters."))


def _schema(commands: Commands) -> None:
    _command(commands, "schema", "the sweep file's JSON Schema, for editors", "Prints the JSON Schema of the sweep file.")
