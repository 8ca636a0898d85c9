#!/usr/bin/env python3
"""PyTorch beside bench/shapes.lua: one training step of a small net of any shape, timed on request.

It reads commands from standard input, one a line, and answers each with a line:
  net {"rank": 2, ...}    makes the net, in both layouts, and warms it up; answers "ok"
  step                    seconds of a step, in the layout that was the faster one while it warmed up
usage: bench/shapes.py THREADS
"""
import json
import os
import sys
import time

for name, value in (("MALLOC_MMAP_THRESHOLD_", "1073741824"), ("MALLOC_TRIM_THRESHOLD_", "4294967296")):
    if os.environ.get(name) != value:  # the allocator reads them when the process begins
        os.environ["MALLOC_MMAP_THRESHOLD_"], os.environ["MALLOC_TRIM_THRESHOLD_"] = "1073741824", "4294967296"
        os.execv(sys.executable, [sys.executable] + sys.argv)

import torch
from torch import nn

torch.set_num_threads(int(sys.argv[1]))


def same(size, kernel, stride, dilation):
    """Keras' padding: what is left over comes behind."""
    total = max((-(-size // stride) - 1) * stride + dilation * (kernel - 1) + 1 - size, 0)
    return total // 2, total - total // 2


def padded(sizes, kernel, stride, dilation, padding, value=0.0):
    """A layer for uneven padding, or none, and the even padding that a convolution or pool takes itself."""
    if padding == "valid":
        return [], 0
    pads = [same(n, k, stride, dilation) for n, k in zip(sizes, kernel)]
    if all(a == b for a, b in pads):
        return [], tuple(a for a, _ in pads)
    flat = [p for pair in reversed(pads) for p in pair]
    return [(nn.ConstantPad1d if len(sizes) == 1 else nn.ConstantPad2d)(flat, value)], 0


def make(cell):
    rank, sizes = cell["rank"], cell["sizes"]
    conv = (nn.Conv1d, nn.Conv2d)[rank - 1]
    channels, filters, kernel = cell["channels"], cell["filters"], cell["kernel"]
    layers = []
    if cell["front"]:
        layers += [conv(cell["front"], channels, 1), nn.ReLU()]
    stride, dilation = cell["stride"], cell["dilation"]
    pad, even = padded(sizes, kernel, stride, dilation, cell["padding"])
    if cell["kind"] == "conv":
        layers += pad + [conv(channels, filters, kernel, stride, even, dilation, cell["groups"])]
    else:
        filters = channels if cell["kind"] == "depthwise" else filters
        layers += pad + [conv(channels, channels, kernel, stride, even, dilation, channels,
                              bias=cell["kind"] == "depthwise")]
        if cell["kind"] == "separable":
            layers += [conv(channels, filters, 1)]
    layers += [nn.ReLU()]
    if cell["pool"] > 0:
        after = cell["after"]  # the sizes behind the convolution
        window = [cell["pool"]] * rank
        largest = cell["pool_kind"] == "max"
        pad, even = padded(after, window, cell["pool_stride"], 1, cell["pool_padding"], -1e30 if largest else 0.0)
        if largest:
            layers += pad + [(nn.MaxPool1d, nn.MaxPool2d)[rank - 1](cell["pool"], cell["pool_stride"], even)]
        else:
            layers += pad + [(nn.AvgPool1d, nn.AvgPool2d)[rank - 1](cell["pool"], cell["pool_stride"], even,
                                                                   count_include_pad=False)]
    layers += [(nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d)[rank - 1](1), nn.Flatten(), nn.Linear(filters, 5)]
    return nn.Sequential(*layers)


class Net:
    def __init__(self, cell, last):
        self.model, rank = make(cell), cell["rank"]
        x = torch.randn(cell["batch"], cell["front"] or cell["channels"], *cell["sizes"])
        if last and rank == 2:
            self.model, x = self.model.to(memory_format=torch.channels_last), x.contiguous(
                memory_format=torch.channels_last)
        self.x, self.y = x, torch.arange(cell["batch"]) % 5
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.01)
        self.loss = nn.CrossEntropyLoss()

    def step(self):
        started = time.perf_counter()
        self.optimizer.zero_grad()
        self.loss(self.model(self.x), self.y).backward()
        self.optimizer.step()
        return time.perf_counter() - started


best = None
for line in sys.stdin:
    command, _, rest = line.partition(" ")
    if command.strip() == "net":
        cell = json.loads(rest)
        nets = [Net(cell, last) for last in ((False, True) if cell["rank"] == 2 else (False,))]
        times = [sorted(net.step() for _ in range(5))[1] for net in nets]
        best = nets[times.index(min(times))]
        print("ok", flush=True)
    else:
        print(best.step(), flush=True)
