"""Augmentation of training images: named policies with typed parameters. No TensorFlow is imported until a policy is applied."""

from trainer.augmentation.draws import Draws
from trainer.augmentation.named import policies, policy_from
from trainer.augmentation.policy import Drawn, Policy

__all__ = ["Drawn", "Draws", "Policy", "policies", "policy_from"]
