"""The images of a study: sources, splits, decoding, caching. `trainer.data.batches` turns them into `tf.data` pipelines.

Nothing here imports TensorFlow until a batch is asked for.
"""

from trainer.data.images import ImageData, ImageSet
from trainer.data.load import forget_data, load_data
from trainer.data.order import validation_window
from trainer.data.pixels import ChannelStatistics, channel_statistics

__all__ = ["ChannelStatistics", "ImageData", "ImageSet", "channel_statistics", "forget_data", "load_data", "validation_window"]
