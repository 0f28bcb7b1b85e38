"""A further sampler or pruner is its own file and one line: the sweep file, its schema and the study take its name from there."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

OWN = """
from sweeps.search.samplers import Answer


class Lowest:
    def __init__(self, *, offset: float = 0.0):
        self.offset = offset

    def propose(self, question):
        return Answer({name: parameter.at(self.offset) for name, parameter in question.space.parameters.items()})


class After:
    def __init__(self, planned_epochs, *, patience=1):
        self.patience = patience

    def judge(self, book, trial, epoch):
        return f"after: epoch {epoch}" if epoch >= self.patience else None
"""

TEXT = """
study: own
data: {source: digits}
space: {dropout: {float: [0.0, 0.5]}}
search: {sampler: lowest, sampler_options: {offset: 0.5}, pruner: after, pruner_options: {patience: 2}}
"""

PROGRAM = """
import json, sys
from sweeps.search.pruning import PRUNERS, PrunerEntry, make_pruner
from sweeps.search.samplers import SAMPLERS, SamplerEntry, make_sampler

SAMPLERS["lowest"] = SamplerEntry("own_search:Lowest")
PRUNERS["after"] = PrunerEntry("own_search:After", {"patience": 1})

from sweeps.errors import SweepInputError
from sweeps.search.proposals import Proposer
from sweeps.sweep_file import sweep_from_text
from sweeps.sweep_file.settings import SearchSettings

text = sys.argv[1]
sweep = sweep_from_text(text)
search = sweep.search
sampler = make_sampler(search.sampler, search.sampler_options, sweep.space)
pruner = make_pruner(search.pruner, search.pruner_options, 10)
proposal = Proposer(sweep.space, sampler, str, 0, True).next([], set(), 0)
try:
    sweep_from_text(text.replace("sampler: lowest", "sampler: lowst"))
    refused = ""
except SweepInputError as error:
    refused = str(error)
schema = SearchSettings.model_json_schema()["properties"]
print(json.dumps([proposal.point, pruner.judge(None, 0, 1), pruner.judge(None, 0, 2), refused, schema["sampler"]["enum"], schema["pruner"]["enum"]]))
"""


def test_a_sampler_and_a_pruner_are_added_by_one_line_each(tmp_path: Path) -> None:
    (tmp_path / "own_search.py").write_text(OWN)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, TEXT],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={"PYTHONPATH": f"{tmp_path}:{ROOT}"},
    )
    assert done.returncode == 0, done.stderr
    point, early, late, refused, samplers, pruners = json.loads(done.stdout)
    assert point == {"dropout": 0.25}
    assert (early, late) == (None, "after: epoch 2")
    assert "expected one of tpe, random, grid, gp, cmaes, qmc, lowest, got 'lowst'" in refused
    assert (samplers[-1], pruners[-1]) == ("lowest", "after")
