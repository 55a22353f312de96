"""One training over several processes, each with a device, that ends as one process would.

A batch is split among the processes. Whatever depends on a whole batch still does: batch
normalisation measures all of its images, and each process computes the objective from the outputs
of all processes. So the number of processes changes nothing but the order in which numbers are
added, and a training may resume with a different number of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import nn

from gmbench.training.state import Standing, weights_of

if TYPE_CHECKING:
    from accelerate import Accelerator

Output = TypeVar("Output")


@dataclass(frozen=True)
class Processes:
    """The processes of a training.

    Attributes:
        rank: Number of this process, from 0. The first one writes, and speaks for all.
        number: Number of processes.
    """

    rank: int = 0
    number: int = 1

    @classmethod
    def of(cls, accelerator: Accelerator) -> Processes:
        """Returns the processes that accelerate knows of."""
        return cls(accelerator.process_index, accelerator.num_processes)

    def share(self, n_images: int, rank: int | None = None) -> slice:
        """Returns which images of a batch a process takes, by default this one."""
        rank = self.rank if rank is None else rank
        return slice(n_images * rank // self.number, n_images * (rank + 1) // self.number)

    def join(self, network: nn.Module) -> None:
        """Makes the layers that depend on a whole batch do so across all processes."""
        if self.number == 1:
            return
        for module in network.modules():
            if type(module) is nn.BatchNorm2d:
                module.__class__ = SharedBatchNorm
            elif type(module) is nn.Dropout:
                module.__class__ = SharedDropout
                module.processes = self  # type: ignore[assignment]

    def whole(self, output: Output, n_images: int) -> Output:
        """Returns the output of all processes for a batch; gradients flow to that of this one.

        Args:
            output: A dataclass whose tensors have one row per image.
            n_images: Number of images of the whole batch.
        """
        if self.number == 1:
            return output
        values = {one.name: getattr(output, one.name) for one in fields(output)}  # type: ignore[arg-type]
        gathered = {
            name: _Gathered.apply(value, self, n_images)  # type: ignore[no-untyped-call]
            for name, value in values.items()
            if isinstance(value, torch.Tensor)
        }
        return replace(output, **gathered)  # type: ignore[type-var]

    def add_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Sums the gradients of all processes: each has those of its own images."""
        if self.number == 1:
            return
        gradients = [one.grad for one in parameters if one.grad is not None]
        together = torch.cat([one.flatten() for one in gradients])
        torch.distributed.all_reduce(together)
        parts = torch.split(together, [one.numel() for one in gradients])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view(gradient.shape))

    def agreed(self, value: Any) -> Any:
        """Returns the first process's value, which the others need not know."""
        if self.number == 1:
            return value
        held = [value]
        torch.distributed.broadcast_object_list(held)
        return held[0]

    def take_up(
        self, standing: Standing, network: nn.Module, optimizer: torch.optim.Optimizer
    ) -> Standing:
        """Brings all processes to the state of the first one, which alone has read it."""
        if self.number == 1:
            return standing
        state = optimizer.state_dict() if standing.epoch else {}
        read = (standing, weights_of(network) if standing.epoch else {}, state)
        standing, weights, state = self.agreed(read if self.rank == 0 else None)
        if standing.epoch and self.rank:
            network.load_state_dict(weights)
            optimizer.load_state_dict(state)
        return standing


class SharedBatchNorm(nn.BatchNorm2d):
    """Batch normalisation over the images of all processes, on any device."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Returns the normalised features, shape (own images, channels, H, W)."""
        if not self.training:
            return super().forward(images)
        with torch.autocast(images.device.type, enabled=False):
            values = images.float()
            count = values.new_full((1,), values.numel() / values.shape[1])
            sums = _sum_over_all(torch.cat([values.sum(dim=(0, 2, 3)), count]))
            mean, number = sums[:-1] / sums[-1], sums[-1].detach()
            centred = values - mean[:, None, None]
            variance = _sum_over_all(centred.square().sum(dim=(0, 2, 3))) / number
            scale = self.weight * (variance + self.eps).rsqrt()
            self._remember(mean.detach(), variance.detach() * number / (number - 1))
            normalised = centred * scale[:, None, None] + self.bias[:, None, None]
        return normalised.to(images.dtype)

    def _remember(self, mean: torch.Tensor, variance: torch.Tensor) -> None:
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        assert self.momentum is not None
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance, self.momentum)
        self.num_batches_tracked += 1


class SharedDropout(nn.Dropout):
    """Dropout drawn for a whole batch, so that an image's mask is the same on any process."""

    processes: Processes

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Returns features, some of which are dropped, shape (own images, features)."""
        if not self.training or not self.p:
            return features
        rows = int(_total(len(features), features.device))
        drawn = torch.empty((rows, *features.shape[1:]), device=features.device)
        kept = drawn.bernoulli_(1 - self.p).div_(1 - self.p)
        return features * kept[self.processes.share(rows)].to(features.dtype)


class _Gathered(torch.autograd.Function):
    """The rows of all processes; a process's gradient is that of its own rows."""

    @staticmethod
    def forward(ctx: Any, own: torch.Tensor, processes: Processes, n_images: int) -> torch.Tensor:
        ctx.own = processes.share(n_images)
        shares = [processes.share(n_images, rank) for rank in range(processes.number)]
        lengths = [share.stop - share.start for share in shares]
        sent = own.new_zeros((max(lengths), *own.shape[1:]))
        sent[: len(own)] = own
        # As bytes: not every backend supports every dtype.
        packed = sent.flatten().view(torch.uint8)
        received = [torch.empty_like(packed) for _ in shares]
        torch.distributed.all_gather(received, packed)
        parts = [one.view(own.dtype).view(sent.shape) for one in received]
        return torch.cat([part[:length] for part, length in zip(parts, lengths, strict=True)])

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        return gradients[0][ctx.own].contiguous(), None, None


class _Summed(torch.autograd.Function):
    """The sum over all processes; its gradient is such a sum too, as each of them uses it."""

    @staticmethod
    def forward(ctx: Any, own: torch.Tensor) -> torch.Tensor:
        total = own.detach().clone()
        torch.distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> torch.Tensor:
        return _Summed.forward(ctx, gradients[0])


def _sum_over_all(tensor: torch.Tensor) -> torch.Tensor:
    total: torch.Tensor = _Summed.apply(tensor)  # type: ignore[no-untyped-call]
    return total


def _total(number: int, device: torch.device) -> float:
    held = torch.tensor([number], device=device)
    torch.distributed.all_reduce(held)
    return held.item()
