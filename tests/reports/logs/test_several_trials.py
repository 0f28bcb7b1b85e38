"""Logs and tables of several trials: told apart where something tells them apart, refused where nothing does."""

from __future__ import annotations

import pytest

from reports.errors import ReportInputError
from reports.logs import read_text

PLANS = {31: [0.21, 0.33, 0.46, 0.58, 0.63], 47: [0.71, 0.75, 0.78, 0.80, 0.82]}


def line(accuracy: float) -> str:
    return f"12/12 - 3s - 241ms/step - accuracy: {accuracy + 0.02:.4f} - loss: 0.5104 - val_accuracy: {accuracy:.4f} - val_loss: 0.6217"


def fit(accuracies: list[float], first: int = 1) -> str:
    last = first + len(accuracies) - 1
    return "".join(f"Epoch {k}/{last}\n{line(value)}\n" for k, value in enumerate(accuracies, first))


@pytest.mark.parametrize(
    "prefix", ["(train_model pid={pid}) ", "\x1b[36m(train_model pid={pid}, ip=10.3.0.7)\x1b[0m ", "(RayTrainWorker pid={pid}) "]
)
def test_ray_workers_are_told_apart(prefix: str) -> None:
    text = ""
    for epoch in range(5):
        for part in ("Epoch {k}/5\n", "{figures}\n"):
            for pid, accuracies in PLANS.items():
                text += prefix.format(pid=pid) + part.format(k=epoch + 1, figures=line(accuracies[epoch]))

    runs = read_text(text)

    assert [run.curves["val_accuracy"].tolist() for run in runs] == list(PLANS.values())
    assert all(str(pid) in run.name for pid, run in zip(PLANS, runs, strict=True))


def test_the_states_of_a_bar_follow_one_prefix() -> None:
    text = (
        "(f pid=5) Epoch 1/2\n(f pid=5) \r 1/12 ━━ 1s 9ms/step - accuracy: 0.1000 - loss: 0.9000\r" + line(0.4) + "\n(f pid=6) Epoch 1/2\n"
    )

    (run,) = read_text(text)

    assert run.curves["val_accuracy"].tolist() == [0.4]


def test_lines_that_ray_left_out_are_said() -> None:
    (run,) = read_text(
        "(f pid=5) Epoch 1/2\n(f pid=5) " + line(0.4) + "\n(f pid=5) Epoch 2/2 [repeated 3x across cluster]\n(f pid=5) " + line(0.5)
    )

    assert any("RAY_DEDUP_LOGS" in note for note in run.notes)


def test_mixed_workers_without_a_prefix_are_refused() -> None:
    text = "".join(f"Epoch {k}/5\nEpoch {k}/5\n{line(PLANS[31][k - 1])}\n{line(PLANS[47][k - 1])}\n" for k in range(1, 6))

    with pytest.raises(ReportInputError, match=r"mixed.*progress\.csv"):
        read_text(text)


def test_trials_of_keras_tuner() -> None:
    text = "".join(
        f"\nSearch: Running Trial #{number}\n\nValue             |Best Value So Far |Hyperparameter\n{units}                |?                 |units\n"
        f"0.0{number}              |0.01              |lr\n\n{fit(accuracies, first)}\nTrial {number} Complete [00h 00m 09s]\nval_accuracy: 0.99\n\n"
        f"Best val_accuracy So Far: 0.99\n"
        for number, units, accuracies, first in ((1, 16, PLANS[31], 1), (2, 32, PLANS[47], 1), (3, 32, [0.83, 0.84], 6))
    )

    runs = read_text(text)

    assert [run.name for run in runs] == ["trial 1", "trial 2", "trial 3"]
    assert [run.num_epochs for run in runs] == [5, 5, 2]
    assert runs[2].first_epoch == 6
    assert [run.parameters for run in runs] == [{"units": 16, "lr": 0.01}, {"units": 32, "lr": 0.02}, {"units": 32, "lr": 0.03}]
    assert runs[0].curves["val_accuracy"][-1] == PLANS[31][-1]


def test_trainings_between_optunas_lines() -> None:
    text = "".join(
        fit(accuracies) + f"[I 2026-03-02 10:00:00,000] Trial {number} finished with value: 0.5 and parameters: "
        f"{{'lr': 0.0{number + 1}, 'optimizer': 'adam'}}. Best is trial 0 with value: 0.5.\n"
        for number, accuracies in enumerate(PLANS.values())
    )

    first, second = read_text(text)

    assert (first.name, second.name) == ("trial 0", "trial 1")
    assert second.parameters == {"lr": 0.02, "optimizer": "adam"}


def test_optunas_lines_alone_are_no_curves() -> None:
    text = "".join(
        f"[I 2026-03-02 10:00:0{k},000] Trial {k} finished with value: 0.{71 + k} and parameters: {{'lr': 0.1}}. Best is trial 0 with value: 0.71.\n"
        for k in range(6)
    )

    with pytest.raises(ReportInputError, match="storage"):
        read_text(text)


@pytest.mark.parametrize(
    "header",
    [
        "val_accuracy,val_loss,training_iteration,trial_id,config/lr\n",
        "val_accuracy,val_loss,epoch,Name,lr\n",
        "val_accuracy,val_loss,batch_size,dropout,lr\n",
    ],
)
def test_a_table_of_final_values_is_refused(header: str) -> None:
    rows = "".join(f"0.{71 - 7 * (k % 3)},0.4{k},{10 if 'batch' not in header else 2**k},x{k},0.0{k + 1}\n" for k in range(6))

    with pytest.raises(ReportInputError, match=r"final values, no learning curves.*progress\.csv"):
        read_text(header + rows)


def test_a_table_with_the_curves_of_several_trials() -> None:
    rows = "".join(f"{k},{value},a_{pid},{pid / 1000}\n" for pid, values in PLANS.items() for k, value in enumerate(values, 1))

    runs = read_text("training_iteration,val_accuracy,trial_id,config/lr\n" + rows)

    assert [(run.name, run.curves["val_accuracy"].tolist()) for run in runs] == [(f"a_{pid}", values) for pid, values in PLANS.items()]
    assert [run.parameters for run in runs] == [{"lr": 0.031}, {"lr": 0.047}]


def test_several_rows_of_one_epoch() -> None:
    rows = "".join(
        f"{k},{60 * k + 19},{0.6 - k / 20:.3f},,\n{k},{60 * k + 39},{0.5 - k / 20:.3f},,\n{k},{60 * k + 40},,{value},{1 - value:.2f}\n"
        for k, value in enumerate(PLANS[47])
    )

    (run,) = read_text("epoch,step,train_loss,val_accuracy,val_loss\n" + rows)

    assert run.curves["val_accuracy"].tolist() == PLANS[47]
    assert run.curves["loss"].tolist() == [round(0.5 - k / 20, 3) for k in range(5)]
