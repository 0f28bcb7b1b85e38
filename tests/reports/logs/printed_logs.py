"""Logs in the formats that Keras and others print, made from figures."""

import math

BACKSPACE = "\b"


def keras_number(value: float) -> str:
    """As Keras prints it: four decimals, scientific below a thousandth."""
    return f"{value:.4f}" if not math.isfinite(value) or abs(value) > 1e-3 else f"{value:.4e}"


def read_back(value: float) -> float:
    """The value that such a print leaves."""
    return float(keras_number(value))


def metrics(epoch: dict[str, float], names: dict[str, str] | None = None) -> str:
    return " - ".join(f"{(names or {}).get(name, name)}: {keras_number(value)}" for name, value in epoch.items())


def training_part(epoch: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in epoch.items() if not name.startswith("val_") and name not in {"lr", "learning_rate"}}


def keras1_verbose2(epochs: list[dict[str, float]], planned: int, names: dict[str, str] | None = None) -> str:
    return "".join(f"Epoch {k}/{planned}\n15s - {metrics(epoch, names)}\n" for k, epoch in enumerate(epochs, 1))


def keras2_verbose2(epochs: list[dict[str, float]], planned: int, names: dict[str, str] | None = None) -> str:
    return "".join(
        f"Epoch {k}/{planned}\n - 44s - {metrics(epoch, names)}\n\nEpoch {k:05d}: val_loss improved from inf to 1.34182, saving model to w.hdf5\n"
        for k, epoch in enumerate(epochs, 1)
    )


def tf2_verbose2(epochs: list[dict[str, float]], planned: int, names: dict[str, str] | None = None) -> str:
    return "".join(
        f"Epoch {k}/{planned}\n100/100 - 22s - {metrics(epoch, names)} - 22s/epoch - 216ms/step\n" for k, epoch in enumerate(epochs, 1)
    )


def keras3_verbose2(epochs: list[dict[str, float]], planned: int, names: dict[str, str] | None = None) -> str:
    return "".join(f"Epoch {k}/{planned}\n70/70 - 40s - 568ms/step - {metrics(epoch, names)}\n" for k, epoch in enumerate(epochs, 1))


def keras2_terminal(epochs: list[dict[str, float]], planned: int, names: dict[str, str] | None = None) -> str:
    """Every state of the bar, overwritten by carriage returns and backspaces; samples counted."""
    text = "Train on 320 samples, validate on 64 samples\n"
    for k, epoch in enumerate(epochs, 1):
        text += f"Epoch {k}/{planned}\n"
        width = 0
        for done in (32, 160, 288):
            state = f"\r{done:3d}/320 [====>.........................] - ETA: {400 - done}s - {metrics(training_part(epoch), names)} "
            text += BACKSPACE * width + state
            width = len(state)
        text += BACKSPACE * width + f"\r320/320 [==============================] - 24s - {metrics(epoch, names)}\n"
    return text


def keras2_checkpoint_reprint(epochs: list[dict[str, float]], planned: int, names: dict[str, str] | None = None) -> str:
    """The last bar is printed before and after a checkpoint's message, with a warning glued to the first."""
    text = ""
    for k, epoch in enumerate(epochs, 1):
        text += (
            f"Epoch {k}/{planned}\n50/50 [==============================] - ETA: 0s - {metrics(training_part(epoch), names)}"
            "2024-07-10 17:40:57.825029: I tensorflow/core/grappler: Plugin optimizer for device_type GPU is enabled.\n\n"
            f"Epoch {k}: val_accuracy improved from -inf to 0.65000, saving model to best-loss: 0.1234.h5\n"
            f"{BACKSPACE * 80}\r50/50 [==============================] - 5s 85ms/step - {metrics(epoch, names)}\n"
        )
    return text


def keras2_leftover_tail(epochs: list[dict[str, float]], planned: int, names: dict[str, str] | None = None) -> str:
    """What a notebook keeps of overwritten text: the tail of an earlier, longer state behind the last figure."""
    tails = (
        ".594 - ETA: 7s - loss: 0.9655 - ETA: 1s - loss: 0.9620 - acc: ",
        "A: 6s - loss: 0.9523 - acc: - ETA: ",
        " loss: 0.9881 - acc:",
        "834",
    )
    return "".join(
        f"Epoch {k}/{planned}\n100/100 [==============================] - 22s - {metrics(epoch, names)}{tails[k % len(tails)]}\n"
        for k, epoch in enumerate(epochs, 1)
    )


def keras3_ansi(epochs: list[dict[str, float]], planned: int, names: dict[str, str] | None = None, escape: str = "\x1b") -> str:
    """Colours, states of the bar, a message in between, and bars of predictions."""
    bold, green, grey, off = f"{escape}[1m", f"{escape}[32m", f"{escape}[37m", f"{escape}[0m"
    text = ""
    for k, epoch in enumerate(epochs, 1):
        running = metrics({name: value * 0.5 for name, value in training_part(epoch).items()}, names)
        text += f"Epoch {k}/{planned}\n"
        for done in (1, 300, 449):
            state = f"\r{bold}{done:3d}/449{off} {green}{'━' * 10}{off}{grey}{'━' * 10}{off} {bold}0s{off} 690ms/step - {running}"
            text += state + BACKSPACE * len(state)
        text += f"\nEpoch {k}: ReduceLROnPlateau reducing learning rate to 0.0001250000059371814.\n"
        text += f"\r{bold}449/449{off} {green}{'━' * 20}{off}{grey}{off} {bold}321s{off} 703ms/step - {metrics(epoch, names)}\n"
        text += f"\r{bold}1/1{off} {green}{'━' * 20}{off} {bold}0s{off} 31ms/step\n"
    return text


def keras3_ansi_copied(epochs: list[dict[str, float]], planned: int, names: dict[str, str] | None = None) -> str:
    """As a web page shows it when the escape characters are lost."""
    return keras3_ansi(epochs, planned, names, escape="")


CONSOLE_FORMATS = [
    keras1_verbose2,
    keras2_verbose2,
    tf2_verbose2,
    keras3_verbose2,
    keras2_terminal,
    keras2_checkpoint_reprint,
    keras2_leftover_tail,
    keras3_ansi,
    keras3_ansi_copied,
]


def curve(seed: float, length: int = 8) -> list[dict[str, float]]:
    """A plausible training's epochs."""
    rows = []
    for k in range(length):
        phase = math.sin(seed + k)
        rows.append(
            {
                "loss": 2.0 / (k + 1) + 0.1 * phase**2,
                "accuracy": 1 - 0.5 / (k + 1),
                "val_loss": 2.5 / (k + 1) + abs(phase) * 0.3 + 2e-4,
                "val_accuracy": 0.9 - 0.4 / (k + 1) + 0.05 * phase,
            }
        )
    return rows
