"""Image augmentation: layers that change images at random during training, and the layers of their pipelines."""
