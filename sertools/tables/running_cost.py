"""The cost of running a model: time, memory, arithmetic and energy."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class CostOfLength:
    """The cost of predicting one clip.

    Attributes:
        precision: number format, `fp32` or `bf16`; empty if the model has only its own
        in_use: whether the model runs in this format in the other audits
        length_s: length of the clip in s
        seconds: time of each run, in s, at least one
        flops: multiplications and additions of one run; None if they cannot be counted
        working_bytes: most memory that the runs used on top of the loaded model, in the process or on the
            graphics card; None if the platform does not tell
        joules: energy of one run, of the whole processor; None if the platform does not tell
    """

    precision: str
    in_use: bool
    length_s: float
    seconds: tuple[float, ...]
    flops: float | None = None
    working_bytes: float | None = None
    joules: float | None = None


@dataclass(frozen=True, kw_only=True)
class RunningCost:
    """The cost of running a model on one machine.

    Attributes:
        machine: processor or graphics card, and number of threads
        parameters: number of parameters; None if the model does not say
        lengths: one entry for each number format and length of a clip
        notes: what could not be measured, and why
    """

    machine: str
    parameters: int | None
    lengths: tuple[CostOfLength, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CostNeeded:
    """The cost that an audit reads: of clips of these lengths, in s."""

    lengths_s: tuple[float, ...]
