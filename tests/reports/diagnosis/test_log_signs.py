"""What a log alone shows: epochs on the left-over batch, one predicted class, figures that cannot be."""

from __future__ import annotations

import numpy as np
import pytest

from reports.diagnosis import Verdict, diagnose_run, to_text
from reports.logs import read_text

WHOLE, LEFT, LEFT_TRAIN = 9984, 37, 21


def table(epochs: int, *, val: bool = True, train: bool = True) -> str:
    generator = np.random.default_rng(5)
    rows = ["epoch,accuracy,loss,val_accuracy,val_loss"]
    for k in range(epochs):
        skill = 0.9 - 0.5 * np.exp(-k / 6)
        left = k % 2 == 1
        val_images, train_images = LEFT if left and val else WHOLE, LEFT_TRAIN if left and train else 51200
        rows.append(
            f"{k},{np.float32(generator.binomial(train_images, skill) / train_images)},{1 - skill / 2:.4f},"
            f"{np.float32(generator.binomial(val_images, skill) / val_images)},{1.1 - skill / 2:.4f}"
        )
    return "\n".join(rows) + "\n"


def verdict_of(text: str) -> Verdict:
    (run,) = read_text(text)
    return diagnose_run(run)


def test_epochs_on_the_left_over_batch_are_left_out() -> None:
    verdict = verdict_of(table(30))

    leftover = verdict.run.leftover
    assert (leftover.num_val, leftover.num_train, leftover.whole_num_val) == (LEFT, LEFT_TRAIN, WHOLE)
    assert np.isnan(verdict.run.curves["val_accuracy"][1::2]).all()
    assert verdict.val_accuracy.best_epoch % 2 == 0
    assert verdict.val_accuracy.last == verdict.run.curves["val_accuracy"][28]
    assert "oscillating" not in {flag.name for flag in verdict.flags}
    text = " ".join(to_text([verdict]).split())
    assert "in epochs 1, 3, ..., 29 validation accuracy is a multiple of 1/37 (9,984 images in the others)" in text
    assert "Leave out steps_per_epoch" in text


def test_whole_validation_is_kept_where_training_alone_ran_out() -> None:
    verdict = verdict_of(table(30, val=False))

    assert verdict.run.leftover.num_val is None
    assert np.isfinite(verdict.run.curves["val_accuracy"]).all()
    assert np.isnan(verdict.run.curves["accuracy"][1::2]).all()


def test_small_sets_and_rising_counts_are_no_left_over_batch() -> None:
    generator = np.random.default_rng(1)
    small = "epoch,loss,val_acc\n" + "".join(f"{k},0.5,{generator.binomial(40, 0.8) / 40:.4f}\n" for k in range(40))
    rising = "epoch,loss,val_acc\n" + "".join(f"{k},0.5,{k / 100:.4f}\n" for k in range(60))

    for text in (small, rising, table(30, val=False, train=False)):
        (run,) = read_text(text)
        assert run.leftover is None


def test_times_that_alternate_and_epochs_without_a_batch() -> None:
    figures = "accuracy: {a:.4f} - loss: {l} - val_accuracy: {v:.4f} - val_loss: 0.5000"
    text = ""
    for k in range(1, 13):
        whole = k % 2 == 1
        bar = figures.format(a=0.7 + k / 100 if whole else 0.0, l="0.4000" if whole else "0.0000e+00", v=0.71 + k / 137)
        text += f"Epoch {k}/12\n800/800 ━━━━━━━━━━━━━━━━━━━━ {'56s 69ms/step' if whole else '0s 57us/step'} - {bar}\n"
    text += "UserWarning: Your input ran out of data; interrupting training. Make sure that your dataset can generate `steps_per_epoch * epochs` batches.\n"

    verdict = verdict_of(text)

    (sign,) = (cause for cause in verdict.causes if "left-over" in cause.cause)
    assert sign.tested
    assert "training saw no image, an epoch took 0 s, against 56 s of the others, Keras warned" in sign.finding
    assert np.isnan(verdict.run.curves["accuracy"][1::2]).all()
    assert np.isfinite(verdict.run.curves["val_accuracy"]).all()


def test_one_class_predicted_in_each_epoch() -> None:
    accuracies = [0.640625, 0.359375, 0.359375, 0.640625, 0.359375, 0.640625, 0.640625, 0.640625, 0.640625]
    verdict = verdict_of("epoch,loss,val_acc\n" + "".join(f"{k},0.5,{value}\n" for k, value in enumerate(accuracies)))

    (flag,) = verdict.flags
    assert flag.name == "collapsed"
    assert "64.1 % and 35.9 %, which add up to 100 %" in flag.summary


@pytest.mark.parametrize(
    ("rows", "summary"),
    [
        ([(0.5 + k / 50, 0.6, 0.0, 0.9) for k in range(6)], "exactly 0.0 % in every epoch"),
        ([(0.2 + k / 3, 0.6, 0.05, 0.9) for k in range(6)], "neither a fraction nor a percentage"),
        ([(0.5, -2.0 - k, 0.62 + k % 3 / 50, 0.9) for k in range(6)], "a cross-entropy is never negative"),
    ],
)
def test_figures_that_cannot_be(rows: list[tuple[float, ...]], summary: str) -> None:
    scale = 100 if "percentage" in summary else 1
    lines = [f"{k},{accuracy * scale},{loss},{val},{val_loss}\n" for k, (accuracy, loss, val, val_loss) in enumerate(rows)]

    verdict = verdict_of("epoch,accuracy,loss,val_accuracy,val_loss\n" + "".join(lines))

    assert [flag.name for flag in verdict.flags] == ["broken_metric"]
    assert summary in verdict.flags[0].summary


def test_nan_after_a_good_start_is_no_collapse() -> None:
    verdict = verdict_of("epoch,loss,val_acc,val_loss\n0,0.6,0.71,0.5\n" + "".join(f"{k},nan,0.0,nan\n" for k in range(1, 7)))

    assert [flag.name for flag in verdict.flags] == ["diverging"]


@pytest.mark.parametrize("level", [0.983, 1.0])
def test_a_good_level_from_the_start_is_no_collapse(level: float) -> None:
    verdict = verdict_of("epoch,val_accuracy,val_loss\n" + "".join(f"{k},{level - k % 2 / 2000},{0.04 - k / 1000}\n" for k in range(8)))

    assert verdict.flags == ()


def test_few_epochs_are_never_called_steady() -> None:
    short = to_text([verdict_of("epoch,val_accuracy\n" + "".join(f"{k},{v}\n" for k, v in enumerate([0.87, 1.0, 0.86, 0.75, 0.88])))])

    assert "steady" not in " ".join(short.split()).replace("too few to call the curve steady", "")


def test_no_rise_of_the_loss_since_the_last_epoch() -> None:
    losses = [3.1, 9.8, 2.2, 3.3, 0.9]
    verdict = verdict_of("epoch,loss,val_acc,val_loss\n" + "".join(f"{k},0.7,0.7{k},{loss}\n" for k, loss in enumerate(losses)))

    assert "overfitting" not in {flag.name for flag in verdict.flags}
