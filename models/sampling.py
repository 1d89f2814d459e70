"""The options of a decode besides the process."""

from __future__ import annotations

from dataclasses import dataclass

from lockstep.models.samplers.noise import Noise

#: How `Sampling.selection` begins if a sampler selects: some rules have the name of an order.
BY_SAMPLER = "sampler "


@dataclass(frozen=True)
class Sampling:
    """The options of a decode besides the process.

    order:  a name in `lockstep.models.orders.ORDERS`: which ready positions a decoding step edits.
    seed:   the seed of random orders and of samples.
    engine: a name in `lockstep.models.engines.ENGINES`: what computes the predictions. Callers that know the length of a decode
            also accept AUTO, and replace it before the decode starts.
    device: where torch computes, cpu or cuda.
    every:  a layout that erases (`lockstep.models.erasing`) does so after this many of its blocks. None: after the usual number.
    permutation: the masked positions, first to last, for the order `permutation`. None: it is drawn from the seed.
    sample: the number of a sample, from 0: tokens are drawn from the model's whole distribution (`lockstep.models.drawing`), by the
            seed and this number. None: the best token is taken.
    sampler: rules of `lockstep.models.samplers`, as users write them: which masks a decoding step of `mdm` unmasks, each with its best
            token. It takes the place of the order. None: all that are ready, as the order says.
    temperature, noise: change the logits that the sampler sees; `sample` draws at temperature 1.
    """

    order: str = "parallel"
    seed: int = 0
    engine: str = "dense"
    device: str = "cpu"
    permutation: tuple[int, ...] | None = None
    every: int | None = None
    sample: int | None = None
    sampler: str | None = None
    temperature: float = 1.0
    noise: Noise | None = None

    @property
    def selection(self) -> str:
        """What decides which positions a step edits: the name of the order, or `sampler top:4`, which is no name of an order."""
        return self.order if self.sampler is None else f"{BY_SAMPLER}{self.sampler}"

    @property
    def chooses(self) -> bool:
        """Whether more than the best tokens must be known: a sampler chooses positions, or tokens are drawn."""
        return self.sample is not None or self.sampler is not None


#: Stands for the engine that suits the size of the decode.
AUTO = "auto"
#: Every decoding step edits all ready positions, and the dense engine computes.
DEFAULT_SAMPLING = Sampling()
