"""AlexNet, GoogLeNet and ResNet at the size of a pictogram.

Each takes float RGB ``(N, 3, H, W)`` in [0, 1], normalises inside, and returns logits ``(N, 16)``.
They keep their models' structure and torchvision's layer names, with less of everything: at most
0.7 M parameters, batch norm throughout, global average pooling before one linear layer. All end
on an 8x8 grid: networks that end on a coarser one hardly learn textures of 5 pixels.
A probed layer is a module whose output is post-ReLU.
"""

import torch
from torch import Tensor, nn


class Normalise(nn.Module):
    """Maps [0, 1] to about zero mean and unit variance."""

    mean, scale = 0.5, 4

    def forward(self, x: Tensor) -> Tensor:
        return (x - self.mean) * self.scale

    def extra_repr(self) -> str:  # the key of a result holds what a network prints
        return f"mean={self.mean}, scale={self.scale}"


def conv(inputs: int, outputs: int, size: int, stride: int = 1, relu: bool = True) -> nn.Sequential:
    """Convolution, batch norm and (by default) ReLU, on the same grid divided by the stride."""
    layers = [
        nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False),
        nn.BatchNorm2d(outputs),
    ]
    return nn.Sequential(*layers, nn.ReLU()) if relu else nn.Sequential(*layers)


def pool() -> nn.MaxPool2d:
    return nn.MaxPool2d(3, 2, 1)


def _head(inputs: int, n_classes: int) -> nn.Sequential:
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, n_classes))


class AlexNet(nn.Sequential):
    """Five convolutions, pooled: 0.3 M parameters."""

    def __init__(self, n_classes: int = 16) -> None:
        super().__init__()
        self.normalise = Normalise()
        self.conv1 = conv(3, 24, 7, stride=2)
        self.pool1 = pool()
        self.conv2 = conv(24, 64, 5)
        self.pool2 = pool()
        self.conv3 = conv(64, 96, 3)
        self.conv4 = conv(96, 96, 3)
        self.conv5 = conv(96, 96, 3)
        self.head = _head(96, n_classes)


class Residual(nn.Module):
    """A basic block of ResNet: two 3x3 convolutions beside a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = conv(inputs, outputs, 3, stride)
        self.conv2 = conv(outputs, outputs, 3, relu=False)
        same = stride == 1 and inputs == outputs
        self.shortcut = nn.Identity() if same else conv(inputs, outputs, 1, stride, relu=False)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.conv2(self.conv1(x)) + self.shortcut(x))


class ResNet(nn.Sequential):
    """One residual block to a stage: 0.5 M parameters."""

    def __init__(self, n_classes: int = 16) -> None:
        super().__init__()
        self.normalise = Normalise()
        self.conv1 = conv(3, 32, 7, stride=2)
        self.maxpool = pool()
        self.layer1 = Residual(32, 32)
        self.layer2 = Residual(32, 64)
        self.layer3 = Residual(64, 96, stride=2)
        self.layer4 = Residual(96, 128)
        self.head = _head(128, n_classes)


class Inception(nn.Module):
    """1x1, 3x3 and pooled branches: a quarter, a half and a quarter of the channels."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        quarter = outputs // 4
        self.branch1 = conv(inputs, quarter, 1)
        self.branch2 = nn.Sequential(conv(inputs, quarter, 1), conv(quarter, 2 * quarter, 3))
        self.branch3 = nn.Sequential(nn.MaxPool2d(3, 1, 1), conv(inputs, quarter, 1))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.branch1(x), self.branch2(x), self.branch3(x)], 1)


class GoogLeNet(nn.Sequential):
    """Three convolutions and nine inception modules: 0.2 M parameters."""

    def __init__(self, n_classes: int = 16) -> None:
        super().__init__()
        self.normalise = Normalise()
        self.conv1 = conv(3, 24, 7, stride=2)
        self.conv2 = conv(24, 24, 1)
        self.conv3 = conv(24, 48, 3)
        self.maxpool2 = pool()
        self.inception3a = Inception(48, 64)
        self.inception3b = Inception(64, 64)
        self.maxpool3 = pool()
        self.inception4a = Inception(64, 96)
        self.inception4b = Inception(96, 96)
        self.inception4c = Inception(96, 96)
        self.inception4d = Inception(96, 96)
        self.inception4e = Inception(96, 128)
        self.inception5a = Inception(128, 128)
        self.inception5b = Inception(128, 128)
        self.head = _head(128, n_classes)
