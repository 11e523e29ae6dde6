"""A phase of gradient descent with transformers' Trainer: resumable, reproducible, stopped by a bad loss."""

import contextlib
import errno
import functools
import json
import math
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sertools.errors import ModelError, SertoolsError
from sertools.files import disk_errors
from sertools.randomness import identity_rng
from sertools.training.data.batches import Batches, Clips, collate
from sertools.training.data.measures import SMALLER_IS_BETTER, measures, measures_of
from sertools.training.finite import Good, NotFiniteError, stopped
from sertools.training.recipe import FIRST, Optimisation

if TYPE_CHECKING:
    import torch

    from sertools.training.phases import GradientPhase, Setting

CURVES = "train.json"
"""File with the loss and the scores of each step that was written down."""

COMPLETE = "complete"
"""Empty file in a checkpoint that was written to its end."""


def descend(phase: "GradientPhase", module: "torch.nn.Module", out: Path, setting: "Setting") -> None:
    """Trains a module, from its last complete checkpoint if there is one, and writes it into `out`.

    Raises:
        ModelError: the loss is not a number, the disk is full, or there is no measure by which to choose
    """
    steps = setting.work / f"{phase.name}.steps"
    trainer = _trainer(phase, module, steps, setting)
    with disk_errors(steps, ModelError), _full_disks(), _settings(setting.recipe.seed):
        try:
            trainer.train(resume_from_checkpoint=_last_complete(steps))
        except NotFiniteError as problem:
            raise stopped(problem, phase, trainer, setting) from problem
        phase.write(trainer.model.eval(), out)
    (out / CURVES).write_text(json.dumps(_curves(trainer), indent=1, sort_keys=True) + "\n", encoding="utf-8")


@contextlib.contextmanager
def _full_disks() -> Iterator[None]:
    """Turns errors of safetensors and torch about a full disk, neither of which is an OSError, into one."""
    try:
        yield
    except (SertoolsError, OSError):
        raise
    except Exception as problem:
        text = str(problem).lower()
        if not any(sign in text for sign in ("no space left", "pytorchstreamwriter", "inline_container")):
            raise
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from problem


def _last_complete(folder: Path) -> str | None:
    """The last checkpoint that was written to its end; a later one, which was cut off, is removed."""
    found = sorted(folder.glob("checkpoint-*"), key=lambda path: int(path.name.rpartition("-")[2]))
    while found and not (found[-1] / COMPLETE).is_file():
        shutil.rmtree(found.pop())
    return str(found[-1]) if found else None


class _settings:  # noqa: N801 (used as a function)
    """Deterministic kernels and the caller's random state untouched, while a phase runs."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def __enter__(self) -> None:
        import torch

        self.before = torch.are_deterministic_algorithms_enabled(), torch.get_rng_state()
        torch.use_deterministic_algorithms(True, warn_only=torch.cuda.is_available())

    def __exit__(self, *_: object) -> None:
        import torch

        torch.use_deterministic_algorithms(self.before[0])
        torch.set_rng_state(self.before[1])


def _trainer(phase: "GradientPhase", module: "torch.nn.Module", folder: Path, setting: "Setting") -> Any:
    """A Trainer of transformers with our batches, our random numbers and our measures."""
    from transformers import EarlyStoppingCallback, PrinterCallback
    from transformers.utils import logging

    logging.set_verbosity_error()
    seed, how = setting.recipe.seed, phase.how
    batches = Batches(lengths=phase.clips.lengths, size=how.batch, samples=how.batch_samples, seed=seed)
    good = Good()
    callbacks: list[Any] = [_callback(phase, batches, folder, setting, good)]
    if how.patience and phase.dev is not None:
        callbacks.append(EarlyStoppingCallback(early_stopping_patience=how.patience))
    trainer = _trainer_class()(
        phase,
        batches,
        seed,
        model=module,
        args=_arguments(phase, folder, setting.recipe.precision, seed),
        train_dataset=phase.clips,
        eval_dataset=phase.dev,
        callbacks=callbacks,
    )
    trainer.good = good
    trainer.remove_callback(PrinterCallback)
    return trainer


def _trainer_class() -> Any:
    """The Trainer of transformers with its batches, evaluation and random numbers replaced."""
    import torch
    from transformers import Trainer

    class Ours(Trainer):  # type: ignore[misc] # transformers has no types
        control: Any

        def __init__(self, phase: "GradientPhase", batches: Batches, seed: int, **named: Any) -> None:
            super().__init__(**named)
            self.phase, self.batches, self.seed = phase, batches, seed

        def get_train_dataloader(self) -> Any:
            return self.accelerator.prepare(_loader(self.phase.clips, self.batches))

        def training_step(self, model: Any, inputs: Mapping[str, Any], *rest: Any, **named: Any) -> Any:
            _seed_torch(self.seed, self.phase.name, inputs)
            loss = super().training_step(model, inputs, *rest, **named)
            if not bool(torch.isfinite(loss)):
                raise NotFiniteError("loss", self.state.global_step + 1)
            return loss

        def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
            scores = _scores(self, self.phase.dev, self.phase.how)
            if not math.isfinite(scores.get("loss", 0.0)):
                raise NotFiniteError("loss on dev clips", self.state.global_step)
            found = {f"eval_{name}": value for name, value in scores.items()}
            self.log(found)
            own: Any = self  # transformers does not type the control
            own.control = own.callback_handler.on_evaluate(own.args, own.state, own.control, found)
            return found

        def create_optimizer(self, model: Any = None) -> Any:
            how = self.phase.how
            if how.optimiser != "sgd":
                return super().create_optimizer(model)
            learnt = [p for p in self.model.parameters() if p.requires_grad]
            self.optimizer = torch.optim.SGD(
                learnt, lr=how.learning_rate, momentum=0.9, nesterov=True, weight_decay=how.weight_decay
            )
            return self.optimizer

    return Ours


def _callback(phase: "GradientPhase", batches: Batches, folder: Path, setting: "Setting", good: Good) -> Any:
    """Chooses batches, checks gradients, keeps good weights, tells of updates, marks checkpoints."""
    import torch
    from transformers import TrainerCallback

    updates_per_epoch = max(1, -(-len(batches) // phase.how.accumulate))

    class Follow(TrainerCallback):  # type: ignore[misc] # transformers has no types
        def on_epoch_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            batches.begin(state.global_step // updates_per_epoch)

        def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **named: Any) -> None:
            gradients = [p.grad for p in named["model"].parameters() if p.grad is not None]
            if gradients and not bool(torch.isfinite(torch.nn.utils.get_total_norm(gradients))):
                raise NotFiniteError("gradient", state.global_step + 1)
            good.keep(_unwrapped(named["model"]), state.global_step)

        def on_step_end(self, args: Any, state: Any, control: Any, **named: Any) -> None:
            module = _unwrapped(named["model"])
            if hasattr(module, "after_update"):
                module.after_update(state.global_step, state.max_steps)

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
            if logs and "loss" in logs:
                setting.progress(phase.name, state.global_step, state.max_steps, float(logs["loss"]))

        def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            (folder / f"checkpoint-{state.global_step}" / COMPLETE).touch()

    return Follow()


def _unwrapped(module: Any) -> Any:
    """The module without the wrapper of several GPUs."""
    return getattr(module, "module", module)


def _arguments(phase: "GradientPhase", folder: Path, precision: str, seed: int) -> Any:
    """The settings of transformers' Trainer."""
    from transformers import TrainingArguments

    how = phase.how
    when: dict[str, Any] = {"save_strategy": "epoch", "logging_strategy": "epoch"}
    if how.every:
        when = {"save_strategy": "steps", "logging_strategy": "steps"}
        when |= {"save_steps": how.every, "logging_steps": how.every, "eval_steps": how.every}
    best: dict[str, Any] = {}
    if phase.dev is not None:
        when["eval_strategy"] = when["save_strategy"]
    measure = measure_of(how, phase.clips)
    if phase.dev is not None and measure:
        best = {
            "load_best_model_at_end": True,
            "metric_for_best_model": measure,
            "greater_is_better": measure not in SMALLER_IS_BETTER,
        }
    schedule = {"constant": "constant_with_warmup"}.get(how.schedule, how.schedule)
    return TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=how.epochs or 1,
        max_steps=how.steps or -1,
        per_device_train_batch_size=how.batch,
        gradient_accumulation_steps=how.accumulate,
        learning_rate=how.learning_rate,
        lr_scheduler_type=schedule,
        warmup_steps=how.warm_up,
        weight_decay=how.weight_decay,
        max_grad_norm=how.clip_norm,
        bf16=precision == "bf16",
        seed=seed,
        data_seed=seed,
        save_total_limit=2,
        report_to=[],
        disable_tqdm=True,
        remove_unused_columns=False,
        logging_nan_inf_filter=False,
        average_tokens_across_devices=False,
        dataloader_pin_memory=False,
        **when,
        **best,
    )


def _loader(clips: Clips, batches: Batches) -> Any:
    from torch.utils.data import DataLoader

    data: Any = clips
    make = functools.partial(collate, padding=clips.padding)
    return DataLoader(data, batch_sampler=batches, collate_fn=make)


def _seed_torch(seed: int, phase: str, batch: Mapping[str, Any]) -> None:
    """Seeds dropout by what is in a batch, so that an interruption does not change it."""
    import torch

    names = (str(key) for key in batch["keys"].tolist())
    rng = identity_rng(seed, "dropout", phase, str(int(batch["epochs"][0])), *names)
    torch.manual_seed(int(rng.integers(2**63 - 1)))


def _scores(trainer: Any, dev: Clips | None, how: Optimisation) -> dict[str, float]:
    """Loss and measures on all dev clips."""
    import torch

    if dev is None:
        return {}
    module = trainer.model.eval()
    batches = Batches(lengths=dev.lengths, size=how.batch, samples=how.batch_samples, shuffled=False)
    scalars: dict[str, float] = {}
    outputs = []
    for rows in batches:
        batch = trainer._prepare_inputs(collate([dev[row] for row in rows], dev.padding))
        with torch.no_grad(), trainer.compute_loss_context_manager():
            answer = module(**batch)
        for name, value in answer.items():
            if value.ndim == 0:
                scalars[name] = scalars.get(name, 0.0) + float(value) * len(rows)
        if "outputs" in answer:
            outputs.append(answer["outputs"].float().cpu())
    found = {name: total / len(dev) for name, total in scalars.items()}
    if outputs and dev.targets is not None:
        found |= measures(torch.cat(outputs).numpy(), dev.targets)
    return found


def measure_of(how: Optimisation, clips: Clips) -> str:
    """The measure by which the best weights are chosen; empty for none."""
    if how.best_by != FIRST:
        return how.best_by
    return measures_of(clips.targets)[0] if clips.targets is not None else "loss"


def check_measure(how: Optimisation, clips: Clips) -> None:
    """Refuses a measure that the targets do not have.

    Raises:
        ModelError: `best_by` is none of the measures
    """
    known = ["loss", *(measures_of(clips.targets) if clips.targets is not None else [])]
    if how.best_by not in ("", FIRST, *known):
        raise ModelError(f"best_by = {how.best_by!r} is not measured", hint=f"one of {', '.join(known)}")


def _curves(trainer: Any) -> dict[str, Any]:
    """What was written down at each step; without times, so that a repeated training has the same file."""
    kept = []
    for entry in trainer.state.log_history:
        if "train_runtime" in entry or "train_loss" in entry:
            continue
        kept.append(
            {key: value for key, value in entry.items() if "runtime" not in key and "per_second" not in key}
        )
    best = trainer.state.best_global_step
    return {
        "steps": trainer.state.global_step,
        "best_step": best,
        "best": trainer.state.best_metric,
        "log": kept,
    }
