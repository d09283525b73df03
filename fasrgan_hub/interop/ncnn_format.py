"""RRDB generators in ncnn's format: a text file of layers (.param) and a binary file of weights (.bin).

The layers are compared, one by one, with those of an RRDBNet of scale 4; every other network is refused, and
nothing is run. Weights may be float32 or float16; biases are always float32.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..errors import FileAccessError, UserError

MAGIC = "7767517"
FLOAT16 = 0x01306B47
FLOAT32 = (0, 0x0002C056)
TRUNK = 6  # convolutions outside the blocks: first, body, up1, up2, hr, last
IN_BLOCK = 15
SLOPE = 0.2

Values = defaultdict[Any, int]
"""Numbers what blobs hold: an operation and its arguments, which are the numbers of other values."""


@dataclass(frozen=True)
class Layer:
    """One line of a .param file: kind, names of the input and output blobs, numbered parameters."""

    kind: str
    inputs: list[str]
    outputs: list[str]
    params: dict[int, tuple[float, ...]]

    def number(self, key: int, default: float = 0) -> float:
        return self.params.get(key, (default,))[0]


def read_ncnn(param: Path, binary: Path) -> dict[str, Tensor]:
    """The weights of a x4 RRDBNet by this package's keys, float32.

    Raises UserError if the files cannot be read, belong to another network, or do not belong together.
    """
    try:
        return _read(param, binary)
    except UserError:
        raise
    except OSError as error:
        raise FileAccessError(f"cannot read '{error.filename}': {error.strerror or error}") from error
    except (ValueError, IndexError, OverflowError) as error:
        raise UserError(f"'{param}' is not a layer list of ncnn, or is damaged") from error


def _read(param: Path, binary: Path) -> dict[str, Tensor]:
    layers = _parse(param.read_text(encoding="utf-8"))
    convolutions = [layer for layer in layers if layer.kind == "Convolution"]
    blocks, rest = divmod(len(convolutions) - TRUNK, IN_BLOCK)
    if rest or blocks < 1:
        raise UserError(
            f"'{param}' is not an RRDB generator of scale 4: {len(convolutions)} convolutions, where that "
            f"has {TRUNK} and {IN_BLOCK} for each block"
        )
    values: Values = defaultdict(count().__next__)
    if _described(layers, values, param) != _rrdb(blocks, values):
        raise UserError(f"'{param}' is wired differently from an RRDB generator of scale 4")
    return _weights(convolutions, _names(blocks), np.fromfile(binary, np.uint8), binary)


def _parse(text: str) -> list[Layer]:
    lines = text.split("\n")
    if lines[0].strip() != MAGIC:
        raise ValueError("not ncnn")
    layers = []
    for line in filter(str.strip, lines[2:]):
        kind, _, inputs, outputs, *rest = line.split()
        middle, end = int(inputs), int(inputs) + int(outputs)
        pairs = (item.split("=") for item in rest[end:])
        params = {int(key): tuple(map(float, value.split(","))) for key, value in pairs}
        # The key of an array is -23300 minus its number, and its first value the length.
        plain = {(-23300 - k if k < -23299 else k): (v[1:] if k < -23299 else v) for k, v in params.items()}
        layers.append(Layer(kind, rest[:middle], rest[middle:end], plain))
    return layers


def _described(layers: list[Layer], values: Values, param: Path) -> int:
    """The value that the file's last layer gives; equal computations have equal numbers in `values`."""
    blobs: dict[str, int] = {}
    convolutions = count()
    result = -1
    for layer in layers:
        if missing := [name for name in layer.inputs if name not in blobs]:
            raise UserError(f"'{param}' uses {missing[0]} before anything gives it")
        inputs = [blobs[name] for name in layer.inputs]
        match layer.kind, inputs:
            case "Input", []:
                result = values["input"]
            case "Split", [result]:
                pass
            case "Convolution", [x] if _is_plain(layer):
                result = values["conv", next(convolutions), x]
                if layer.number(9):
                    slope = layer.number(10) if layer.number(9) == 2 else 0.0
                    result = values["leaky", round(slope, 6), result]
            case "ReLU", [x]:
                result = values["leaky", round(layer.number(0), 6), x]
            case "Concat", [_, _, *_] if layer.number(0) == 0:
                result = values["concat", tuple(inputs)]
            case "Eltwise", [x, y] if layer.number(0) == 1:
                a, b = layer.params.get(1) or (1.0, 1.0)
                result = _sum(values, (round(a, 6), x), (round(b, 6), y))
            case "BinaryOp", [x, y] if layer.number(0) == 0:
                result = _sum(values, (1.0, x), (1.0, y))
            case "Interp", [x] if [layer.number(key) for key in (0, 1, 2)] == [1, 2, 2]:
                result = values["nearest", x]
            case _:
                raise UserError(f"'{param}' holds a layer that no RRDB generator has: {layer.kind}")
        blobs.update(dict.fromkeys(layer.outputs, result))
    return result


def _is_plain(layer: Layer) -> bool:
    """A 3x3 convolution of stride 1 with a bias that keeps the size, without int8."""
    wanted = {1: 3, 2: 1, 3: 1, 4: 1, 5: 1, 8: 0, 11: 3, 12: 1, 13: 1, 14: 1}
    absent = {2: 1, 3: 1, 8: 0, 11: 3, 12: 1, 13: 1, 14: layer.number(4)}
    return all(layer.number(key, absent.get(key, 0)) == value for key, value in wanted.items())


def _rrdb(blocks: int, values: Values) -> int:
    """The value that an RRDBNet of so many blocks gives."""
    convolutions = count()

    def conv(*inputs: int) -> int:
        x = values["concat", inputs] if inputs[1:] else inputs[0]
        return values["conv", next(convolutions), x]

    def leaky(x: int) -> int:
        return values["leaky", SLOPE, x]

    def add(x: int, y: int, scale: float = 1.0) -> int:
        return _sum(values, (scale, x), (1.0, y))

    first = x = conv(values["input"])
    for _ in range(blocks):
        block = x
        for _ in range(3):
            dense = [x]
            for _ in range(4):
                dense.append(leaky(conv(*dense)))
            x = add(conv(*dense), x, 0.2)
        x = add(x, block, 0.2)
    x = add(conv(x), first)
    for _ in range(2):
        x = leaky(conv(values["nearest", x]))
    return conv(leaky(conv(x)))


def _sum(values: Values, *terms: tuple[float, int]) -> int:
    return values["sum", tuple(sorted(terms))]


def _names(blocks: int) -> Iterator[str]:
    yield "conv_first"
    for block in range(blocks):
        for dense in (1, 2, 3):
            yield from (f"body.{block}.rdb{dense}.conv{conv}" for conv in range(1, 6))
    yield from ("conv_body", "conv_up1", "conv_up2", "conv_hr", "conv_last")


def _weights(
    layers: list[Layer], names: Iterator[str], numbers: np.ndarray, binary: Path
) -> dict[str, Tensor]:
    weights: dict[str, Tensor] = {}
    position = 0

    def take(kind: str, amount: int) -> np.ndarray:
        nonlocal position
        end = position + amount * np.dtype(kind).itemsize
        if amount < 1 or end > numbers.size:
            raise UserError(f"'{binary}' is cut off, or belongs to another .param")
        block = numbers[position:end].view(kind)
        position = end + -end % 4  # blocks start at multiples of 4 bytes
        return block

    for layer, name in zip(layers, names, strict=True):
        outputs, amount = int(layer.number(0)), int(layer.number(6))
        flag = take("<u4", 1)[0]
        if flag != FLOAT16 and flag not in FLOAT32:
            raise UserError(f"'{binary}' holds quantized numbers, or belongs to another .param")
        weight = take("<f2" if flag == FLOAT16 else "<f4", amount).astype(np.float32)
        if outputs < 1 or amount % (9 * outputs):
            raise UserError(
                f"{name} has {amount} weights for {outputs} channels, which is no 3x3 convolution"
            )
        weights[f"{name}.weight"] = torch.from_numpy(weight.reshape(outputs, -1, 3, 3))
        weights[f"{name}.bias"] = torch.from_numpy(take("<f4", outputs).astype(np.float32))
    if position != numbers.size:
        raise UserError(f"'{binary}' is longer than its .param says")
    return weights
