"""Events of a sweep reach a real script and a real HTTP server, and neither can harm the sweep."""

from __future__ import annotations

import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from sweeps import notify
from sweeps.errors import SweepInputError
from sweeps.record import read_study
from sweeps.record.study_record import read_study_facts
from sweeps.sweep_file import sweep_from_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SCRIPT = """\
import json, os, sys
line = {"stdin": json.load(sys.stdin), "environment": {k: v for k, v in os.environ.items() if k.startswith("STEADYSWEEP_")}, "arguments": sys.argv[1:]}
with open(sys.argv[1], "a") as log:
    log.write(json.dumps(line) + "\\n")
"""


class Hook(BaseHTTPRequestHandler):
    """Remembers what was posted; answers with the codes it is given, then with 204."""

    posted: ClassVar[list[tuple[str, dict[str, str], dict[str, Any]]]] = []
    answers: ClassVar[list[int]] = []

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.posted.append((self.path, dict(self.headers.items()), body))
        self.send_response(self.answers.pop(0) if self.answers else 204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[str]:
    """The address of a server whose requests are in `Hook.posted`."""
    Hook.posted.clear()
    Hook.answers.clear()
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{httpd.server_port}"
    httpd.shutdown()
    httpd.server_close()


def test_a_script_gets_each_event_on_stdin_and_in_the_environment(tmp_path: Path, run_with_companions: Callable[..., list[str]]) -> None:
    script, log = tmp_path / "tell.py", tmp_path / "log.jsonl"
    script.write_text(SCRIPT)
    said = run_with_companions(
        "faulty_training:sometimes",
        search="{trials: 6, sampler: random, pruner: none, seed: 3}",
        notify=json.dumps({"command": [sys.executable, str(script), str(log), "${HOME} stays"]}),
    )
    assert said == []
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    failed = [trial.number for trial in read_study(f"sqlite:///{tmp_path}/fast.db", "fast").trials if trial.state == "FAIL"]
    assert failed
    assert [line["stdin"]["trial"] for line in lines[:-1]] == failed
    assert {line["stdin"]["event"] for line in lines[:-1]} == {"trial_failed"}
    assert lines[0]["environment"]["STEADYSWEEP_TRIAL"] == str(failed[0])
    assert lines[0]["arguments"][1] == "${HOME} stays"
    end = lines[-1]
    assert end["stdin"]["schema"] == "steadysweep.notification/1"
    assert (end["stdin"]["event"], end["environment"]["STEADYSWEEP_EVENT"]) == ("sweep_done", "sweep_done")
    assert end["stdin"]["trials"]["failed"] == len(failed)
    assert end["environment"]["STEADYSWEEP_MESSAGE"].startswith("fast: done: 6/6 trials; best stable val_accuracy ")
    assert " % (configuration " in end["environment"]["STEADYSWEEP_MESSAGE"]


def test_a_webhook_gets_json_with_secrets_that_are_on_no_record(
    tmp_path: Path, server: str, run_with_companions: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK_TOKEN", "canary-hook-51c2")
    notify = {"webhook": f"{server}/${{HOOK_TOKEN}}", "headers": {"Authorization": "Bearer ${HOOK_TOKEN}"}, "on": ["sweep_done"]}
    assert run_with_companions(notify=json.dumps(notify)) == []
    ((path, headers, body),) = Hook.posted
    assert path == "/canary-hook-51c2"
    assert headers["Authorization"] == "Bearer canary-hook-51c2"
    assert headers["Content-Type"] == "application/json"
    assert (body["event"], body["study"], body["reason"]) == ("sweep_done", "fast", "done")
    assert body["text"].startswith("fast: done")
    assert "${HOOK_TOKEN}" in read_study_facts(f"sqlite:///{tmp_path}/fast.db", "fast").sweep_file
    assert b"canary-hook" not in (tmp_path / "fast.db").read_bytes()


def test_a_webhook_is_tried_again_and_told_once_when_it_never_answers(
    server: str, tmp_path: Path, run_with_companions: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notify, "WAITS", (0.01, 0.01))
    Hook.answers[:] = [503, 500]
    assert run_with_companions(notify=json.dumps({"webhook": server, "on": ["sweep_done"]})) == []
    assert len(Hook.posted) == 3
    said = run_with_companions(
        "faulty_training:sometimes",
        study="other",
        storage_path=str(tmp_path / "other"),
        search="{trials: 6, sampler: random, pruner: none, seed: 3}",
        notify='{webhook: "http://127.0.0.1:9/secret-path"}',
    )
    assert len(said) == 1
    assert said[0].startswith("notification: NotDeliveredError: notify.webhook: no answer")
    assert "secret-path" not in said[0]


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("/no/such/program", "'/no/such/program' cannot be started: No such file or directory"),
        ("false", "'false' ended with code 1"),
        ("sleep 60", "'sleep' took more than 0 s and was ended"),
    ],
)
def test_a_command_that_fails_or_hangs_is_told_once(
    command: str, message: str, tmp_path: Path, run_with_companions: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notify, "COMMAND_SECONDS", 0.3)
    (said,) = run_with_companions(notify=json.dumps({"command": command}))
    assert message in said
    assert said.endswith("the sweep goes on (reported once)")
    assert [trial.state for trial in read_study(f"sqlite:///{tmp_path}/fast.db", "fast").trials] == ["COMPLETE", "COMPLETE"]


def test_a_sweep_does_not_wait_for_its_hooks(tmp_path: Path, run_with_companions: Callable[..., list[str]]) -> None:
    marks = tmp_path / "marks"
    command = ["sh", "-c", f"sleep 1; echo x >> {marks}"]
    run_with_companions(
        "faulty_training:sometimes",
        search="{trials: 6, sampler: random, pruner: none, seed: 3}",
        notify=json.dumps({"command": command, "on": ["trial_failed"]}),
    )
    trials = read_study(f"sqlite:///{tmp_path}/fast.db", "fast").trials
    failed = [trial for trial in trials if trial.state == "FAIL"]
    spans = [run for trial in trials for run in trial.attempts]
    assert len(failed) >= 2
    assert marks.read_text().count("x") == len(failed)
    ended, began = max(run.ended for run in spans if run.ended), min(run.started for run in spans if run.started)
    assert (ended - began).total_seconds() < marks.stat().st_mtime - time.time() + 3600


def test_an_aborted_sweep_is_told_with_its_error(tmp_path: Path, server: str, run_with_companions: Callable[..., list[str]]) -> None:
    run_with_companions(
        "faulty_training:always_the_same",
        search="{trials: 9, pruner: none}",
        notify=json.dumps({"webhook": server, "on": ["sweep_stopped"]}),
    )
    ((_, _, body),) = Hook.posted
    assert (body["event"], body["reason"]) == ("sweep_stopped", "error")
    assert "no such layer: conv9" in body["error"]
    del tmp_path


@pytest.mark.parametrize(
    ("notify", "message"),
    [
        ("{webhook: ftp://host/x}", "begins with http"),
        ("{webhook: 'https://me:literal@host/x'}", "a password stands in the URL"),
        ("{headers: {Authorization: Bearer abc}}", "write it as"),
        ("{on: [trial_done]}", "trial_failed"),
    ],
)
def test_what_cannot_be_notified_is_refused(notify: str, message: str, tmp_path: Path) -> None:
    from killable import sweep_in

    with pytest.raises(SweepInputError, match=message) as refused:
        sweep_from_text(sweep_in(tmp_path, notify=notify))
    assert "literal" not in str(refused.value)
