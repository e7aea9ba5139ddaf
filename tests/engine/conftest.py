"""One thread for the engine's tests: small matrices gain nothing by more, and curves then do not depend on cores."""

from __future__ import annotations

import torch

torch.set_num_threads(1)
