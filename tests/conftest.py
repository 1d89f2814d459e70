"""Shared set-up: tests run two at a time, so torch gets one thread in each."""

from __future__ import annotations

import torch

torch.set_num_threads(1)
