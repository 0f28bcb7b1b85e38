"""Train the demo's backbone on the handwritten digits 0 to 4 and save its weights; skipped when the file is there.

    python examples/demo/pretrain.py --output demo/digits-0-4.weights.h5

The demo's sweep then fine-tunes it to the digits 5 to 9, as one fine-tunes an ImageNet backbone to images of one's own.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

EPOCHS = 5


def main() -> None:
    """Train, save, say how good the backbone is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path("digits-0-4.weights.h5"), help="the file to write, ending in .weights.h5")
    output: Path = parser.parse_args().output
    if output.exists():
        print(f"{output} is there already")
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before TensorFlow is imported
    print("training the backbone on the digits 0-4 (once, well under a minute) ...", flush=True)
    accuracy = pretrain(output)
    print(f"{output}: backbone trained on the digits 0-4, validation accuracy {accuracy:.3f}")


def pretrain(output: Path) -> float:
    """Train `small_resnet` on the digits 0-4 and write its backbone's weights, atomically.

    Returns:
        Validation accuracy of the exported epoch, fraction.
    """
    from trainer import TrainConfig, train

    config = TrainConfig.model_validate(
        {
            "data": {"source": "digits", "classes": ["0", "1", "2", "3", "4"], "split": {"train": 0.8, "validation": 0.2, "test": 0}},
            "model": {"backbone": "small_resnet"},
            "training": {"epochs": EPOCHS, "batch_size": 32, "learning_rate": 3e-3, "schedule": "cosine"},
        }
    )
    with tempfile.TemporaryDirectory() as folder:
        result = train(config, checkpoint_dir=Path(folder))
        import keras

        from trainer.network.weights import save_backbone

        model = keras.models.load_model(result.model_path, compile=False)
        save_backbone(model.get_layer("backbone"), output)
    return result.figures["exported_val_accuracy"]


if __name__ == "__main__":
    main()
