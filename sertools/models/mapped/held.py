"""A network of the wav2vec2 family as its weights alone, of which transformers makes a module when needed."""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sertools.models.mapped.parts import Part, head_part, network_of, norm_values
from sertools.models.mapped.settings import PREFIXES

if TYPE_CHECKING:
    import torch


class Mapped:
    """The weights of a checkpoint, mapped from its file; packed passes need no more.

    Attributes:
        config: settings of the checkpoint
        architecture: name of the class that transformers would make
        parameters: number of its parameters
    """

    def __init__(
        self,
        *,
        config: Any,
        architecture: str,
        parameters: int,
        encoder: "Mapping[str, torch.Tensor]",
        head: "Mapping[str, torch.Tensor]",
        load: "Callable[[], torch.nn.Module]",
    ) -> None:
        """Holds the weights.

        Args:
            config: settings of the checkpoint
            architecture: name of the class that transformers would make
            parameters: number of its parameters
            encoder: weights of the encoder in fp32, by their keys below it
            head: weights of the head of transformers in fp32, by their keys; none for another head
            load: makes the module of transformers, with all checks of its own
        """
        self.config, self.architecture, self.parameters = config, architecture, parameters
        self._encoder, self._head, self._load = encoder, head, load
        self._module: torch.nn.Module | None = None

    @property
    def module(self) -> "torch.nn.Module":
        """The module of transformers, made the first time; from then on, passes read its weights.

        Transformers draws random weights before it reads those of the file; torch's global random state is as
        it was before.
        """
        if self._module is None:
            import torch

            with torch.random.fork_rng(devices=[]):
                self._module = self._load()
        return self._module

    @property
    def readable(self) -> Any:
        """The module if it was made, or the weights in its shape."""
        return self._parts if self._module is None else self._module

    @cached_property
    def never_trained(self) -> bool:
        """Whether all layers of normalisation are as they are created, see `checks.never_trained`."""
        return all(bool((tensor == value).all()) for tensor, value in norm_values(self._encoder))

    @cached_property
    def _parts(self) -> Part:
        network = network_of(self._encoder, self.config)
        prefix = PREFIXES[self.config.model_type]
        return head_part(self._head, network, self.config, prefix) if self._head else network
