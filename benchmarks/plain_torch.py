"""The networks of the benchmarks and their training loop in plain PyTorch, as a PyTorch user would write them."""

import itertools
from collections.abc import Callable

import numpy as np
import torch
from torch import nn
from workloads import Workload


class Lstm(nn.Module):
    def __init__(self, classes: int):
        super().__init__()
        self.embedding = nn.Embedding(20000, 128)
        self.lstm = nn.LSTM(128, 128, batch_first=True)
        self.dense = nn.Linear(128, classes)

    def forward(self, x):
        return self.dense(self.lstm(self.embedding(x))[0][:, -1])


class Residual(nn.Module):
    """Residual block of ResNet-20."""

    def __init__(self, channels: int, filters: int, stride: int):
        super().__init__()
        self.first, self.second = _convolved(channels, filters, 3, stride), _convolved(filters, filters, 3, 1)
        self.shortcut = nn.Identity() if stride == 1 else _convolved(channels, filters, 1, stride)

    def forward(self, x):
        return torch.relu(self.second(torch.relu(self.first(x))) + self.shortcut(x))


def _convolved(channels: int, filters: int, size: int, stride: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, filters, size, stride, size // 2, bias=False), nn.BatchNorm2d(filters))


def tiny(classes: int) -> nn.Module:
    return nn.Sequential(nn.Linear(1, 16), nn.ReLU(), nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, classes))


def mlp(classes: int) -> nn.Module:
    return nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, classes))


def convnet(classes: int) -> nn.Module:
    first = [nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2)]
    rest = [nn.Conv2d(64, 64, 3), nn.ReLU(), nn.Flatten(), nn.Linear(576, 64), nn.ReLU(), nn.Linear(64, classes)]
    return nn.Sequential(*first, *rest)


def cats_and_dogs(classes: int) -> nn.Module:
    blocks = []
    for channels, filters in itertools.pairwise((3, 32, 64, 128, 128)):
        blocks += [nn.Conv2d(channels, filters, 3), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*blocks, nn.Flatten(), nn.Linear(128 * 7 * 7, 512), nn.ReLU(), nn.Linear(512, classes))


def vgg_like(classes: int) -> nn.Module:
    blocks, channels = [], 3
    for filters in (32, 64):
        for _ in range(2):
            blocks += [nn.Conv2d(channels, filters, 3, padding=1), nn.BatchNorm2d(filters), nn.ReLU()]
            channels = filters
        blocks.append(nn.MaxPool2d(2))
    return nn.Sequential(*blocks, nn.Flatten(), nn.Linear(64 * 64, 128), nn.ReLU(), nn.Linear(128, classes))


def resnet_20(classes: int) -> nn.Module:
    blocks, channels = [_convolved(3, 16, 3, 1), nn.ReLU()], 16
    for stage, filters in enumerate((16, 32, 64)):
        for block in range(3):
            blocks.append(Residual(channels, filters, 2 if stage and not block else 1))
            channels = filters
    return nn.Sequential(*blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, classes))


NETWORKS = {network.__name__: network for network in (tiny, mlp, convnet, cats_and_dogs, vgg_like, resnet_20)} | {"lstm": Lstm}


def rival(workload: Workload, configuration: str) -> tuple[Callable[[], None], Callable[[np.ndarray], np.ndarray]]:
    """Return a function that trains for an epoch and one that predicts.

    Args:
        workload: Workload to train.
        configuration: ``"default"``; ``"channels last"``, also with the fused Adam; or ``"compiled"``, both and
            ``torch.compile``.
    """
    x, y = workload.data()
    layout = torch.contiguous_format if configuration == "default" else torch.channels_last
    module = NETWORKS[workload.network.__name__](workload.classes)
    if x.ndim == 4:
        module = module.to(memory_format=layout)
    samples, labels = _as_tensor(x, layout), torch.from_numpy(y).long()
    adam = torch.optim.Adam(module.parameters(), fused=configuration != "default")
    run = torch.compile(module) if configuration == "compiled" else module

    def epoch() -> None:
        module.train()
        for rows in torch.randperm(len(samples)).split(workload.batch_size):
            adam.zero_grad(set_to_none=True)
            loss = nn.functional.cross_entropy(run(samples[rows]), labels[rows])
            loss.backward()
            adam.step()

    def predict(x: np.ndarray) -> np.ndarray:
        module.eval()
        with torch.inference_mode():
            parts = [torch.softmax(run(part), -1) for part in _as_tensor(x, layout).split(256)]
        return torch.cat(parts).numpy()

    return epoch, predict


def _as_tensor(x: np.ndarray, layout: torch.memory_format) -> torch.Tensor:
    tensor = torch.from_numpy(x)
    return tensor.permute(0, 3, 1, 2).contiguous(memory_format=layout) if tensor.ndim == 4 else tensor
