"""Upstreams of s3prl with layers, `s3prl:NAME`: tera, apc, vq_apc, npc, mockingjay, decoar2, modified_cpc …

s3prl downloads the weights of an upstream that it names; `s3prl:NAME@FILE` takes a checkpoint of your own in
their place, and what else the upstream downloads from the folder of that file. There are no scores: audits of
layers apply, and heads can be trained on the frames. Weights that are pickles with more than tensors are
refused, unless `--trust-remote-code` allows their code to run. Clips are processed one at a time. The modules
of s3prl that an upstream does not need are not imported, because some of them need other versions of
torchaudio.
"""

import ast
import hashlib
import importlib
import importlib.metadata
import importlib.util
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import numpy as np
from numpy.typing import NDArray

from sertools.errors import ModelError, nearest, reason
from sertools.models.checks import noise
from sertools.models.device import find_device
from sertools.models.load import LoadOptions
from sertools.models.loaded import LoadedSignalModel, signal_facts, trained_facts
from sertools.models.model import Frames, Outputs, Signal

if TYPE_CHECKING:
    import torch

SCHEME = "s3prl"
READS = ("device",)
RATE_HZ = 16000

OF_FILES = "_local"
"""End of the names of functions of s3prl that take a file; the other names may also take one."""

UNSAFE = "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"
"""Environment variable with which torch loads pickles that may run code."""

UNREACHED = re.compile(r"Pool\(host='([^']+)'.*Max retries exceeded", re.DOTALL)
"""Text of the exception for a server that cannot be reached, with its name."""

FINGERPRINT_VERSION = "s3prl-1"
"""Increased whenever a change of this kind of model changes results; part of the fingerprint."""


@dataclass(kw_only=True)
class UpstreamModel(LoadedSignalModel):
    """An upstream of s3prl; see `Model`.

    Attributes:
        upstream: of s3prl, in evaluation mode
        step: samples from one frame to the next
        device: of the upstream
    """

    upstream: Any
    step: int
    device: "torch.device"

    has_frames = True
    """The hidden states have a time axis."""

    def predict(self, signals: Sequence[Signal], *, layers: bool = False) -> Outputs:
        """No scores (n, 0); the layers are s3prl's hidden states, zero-padded to the widest, (n, l, d)."""
        return self._outputs([self._states(signal) for signal in signals] if layers else signals, layers)

    def predict_frames(self, signals: Sequence[Signal]) -> tuple[Outputs, list[Frames]]:
        """The same with the states of each frame; a frame is placed in the middle of its step."""
        states = [self._states(signal) for signal in signals]
        first, step = self.step / 2 / RATE_HZ, self.step / RATE_HZ
        found = [
            Frames(states=tuple(clip), first_s=(first,) * len(clip), step_s=(step,) * len(clip))
            for clip in states
        ]
        return self._outputs(states, True), found

    def _states(self, signal: Signal) -> list[NDArray[np.float32]]:
        """The hidden states of a clip, l arrays of shape (frames, d)."""
        return hidden_states(self.upstream, signal, self.device)

    def _outputs(self, clips: Sequence[Any], layers: bool) -> Outputs:
        scores = np.empty((len(clips), 0), dtype=np.float32)
        if not layers:
            return Outputs(scores=scores)
        widest = max(state.shape[1] for state in clips[0])
        means = [[np.pad(s.mean(axis=0), (0, widest - s.shape[1])) for s in clip] for clip in clips]
        return Outputs(scores=scores, layers=np.array(means, dtype=np.float32))


def hidden_states(upstream: Any, signal: Signal, device: "torch.device") -> list[NDArray[np.float32]]:
    """s3prl's hidden states of one signal (samples,), l arrays of shape (frames, d)."""
    import torch

    with torch.inference_mode(), redirect_stdout(sys.stderr):
        found = upstream([torch.from_numpy(np.ascontiguousarray(signal)).to(device)])["hidden_states"]
    return [state[0].float().cpu().numpy() for state in found]


def load(rest: str, options: LoadOptions) -> UpstreamModel:
    """The upstream of this name, with downloaded weights or those of a file.

    Raises:
        ModelError: s3prl is not installed, there is no such upstream, or its weights cannot be loaded
    """
    device = find_device(options.device)
    name, _, file = rest.partition("@")
    module = _module(name)
    if name.endswith(OF_FILES) and not file:
        raise _wrong_file(rest)
    if file:
        upstream = _filled(module, rest, options.trust_remote_code)
    else:
        upstream = _made(module, rest, options.trust_remote_code)
    upstream = upstream.to(device).eval()
    trial = hidden_states(upstream, noise(RATE_HZ, 1.0), device)
    version = importlib.metadata.version("s3prl")
    label = f"s3prl-{name}"
    return UpstreamModel(
        name=label,
        labels=(),
        task="encoder",
        sampling_rate=RATE_HZ,
        shortest=_shortest(upstream, device),
        fingerprint=_fingerprint(upstream, f"{FINGERPRINT_VERSION} {version} {name}"),
        files=(Path(file).name,) if file else (),
        facts=signal_facts(
            "upstream of s3prl",
            f"s3prl:{rest}",
            {
                "architecture": name,
                "parameters": sum(p.numel() for p in upstream.parameters()),
                "layers": len(trial),
                "head": "none",
            },
            labels=(),
            task="encoder",
            sampling_rate=RATE_HZ,
            further={
                "features": f"those of s3prl {version}",
                "device": str(device),
                "precision": "fp32",
                **trained_facts(upstream),
            },
        ),
        upstream=upstream,
        step=int(upstream.get_downsample_rates("hidden_states")),
        device=device,
    )


def _module(name: str) -> ModuleType:
    """The module of s3prl with the function that makes an upstream; no other one is imported.

    Raises:
        ModelError: s3prl is not installed, there is no such upstream, or it needs what is not installed
    """
    known = _upstreams()
    if known is None:
        raise ModelError(
            f"s3prl:{name} needs s3prl, which is not installed", hint="pip install s3prl torchaudio"
        )
    if name not in known:
        raise ModelError(f"s3prl has no upstream {name!r}", hint=nearest(name, sorted(known)))
    try:
        return importlib.import_module(f"s3prl.upstream.{known[name]}.hubconf")
    except Exception as error:  # an upstream may import anything, and raise anything
        hint = "install the torchaudio that was built for your torch" if "torchaudio" in str(error) else ""
        raise ModelError(
            f"the upstream {name} of s3prl cannot be imported: {reason(error)}", hint=hint
        ) from error


def _upstreams() -> dict[str, str] | None:
    """Names of functions that make upstreams → the folder of each; None if s3prl is not installed."""
    found = importlib.util.find_spec("s3prl")
    if found is None or not found.submodule_search_locations:
        return None
    folder = Path(found.submodule_search_locations[0]) / "upstream"
    known: dict[str, str] = {}
    for path in sorted(folder.glob("*/hubconf.py")):
        for each in ast.parse(path.read_text(encoding="utf-8")).body:
            if not isinstance(each, ast.FunctionDef) or each.name.startswith("_"):
                continue
            # the module of vq_wav2vec defines wav2vec2_local too, a slip of s3prl
            if each.name not in known or each.name.startswith(path.parent.name):
                known[each.name] = path.parent.name
    return known


def _wrong_file(rest: str) -> ModelError:
    """The error for an upstream with a file that it does not read, or without one that it needs."""
    return ModelError(
        f"s3prl:{rest}: upstreams that have weights take a file, and others take none",
        hint="write s3prl:NAME@FILE, or s3prl:NAME for the weights that s3prl downloads",
    )


def _filled(module: ModuleType, rest: str, trust: bool) -> Any:
    """The upstream with the weights of a file, which must have all of them.

    It is made twice from different random numbers: some upstreams keep random weights where a file has none.

    Raises:
        ModelError: the file cannot be read, could run code, or lacks weights
    """
    import torch

    made = []
    with torch.random.fork_rng(devices=()):
        for seed in (0, 1):
            torch.manual_seed(seed)
            made.append(_made(module, rest, trust))
    first, second = (each.state_dict() for each in made)
    random = [key for key, tensor in first.items() if not torch.equal(tensor, second[key])]
    if random:
        raise ModelError(
            f"s3prl:{rest} lacks {len(random)} of {len(first)} tensors of the upstream, such as {random[0]}",
            hint="name a checkpoint of this upstream",
        )
    return made[0]


def _made(module: ModuleType, rest: str, trust: bool) -> Any:
    """The upstream, with the weights that s3prl downloads or those of a file.

    Raises:
        ModelError: the weights cannot be downloaded or read, or could run code
    """
    name, _, file = rest.partition("@")
    try:
        with redirect_stdout(sys.stderr), _trusted(trust):
            return _from_file(module, rest) if file else getattr(module, name)()
    except ModelError:
        raise
    except ModuleNotFoundError as error:
        raise ModelError(
            f"s3prl:{name} needs the module {error.name}, which is not installed",
            hint=f"the sources of s3prl say where it is from: upstream/{module.__name__.split('.')[-2]}",
        ) from error
    except Exception as error:  # s3prl raises anything for weights that it does not expect
        if "weights_only" in str(error).lower() or "weights only" in str(error).lower():
            raise ModelError(
                f"the weights of s3prl:{rest} contain more than tensors, and loading them could run code",
                hint="if you trust them: --trust-remote-code",
            ) from error
        host = UNREACHED.search(str(error))
        if host is not None:
            own = f"{name}{OF_FILES}" if hasattr(module, f"{name}{OF_FILES}") else name
            raise ModelError(
                f"the weights of s3prl:{rest} cannot be downloaded: {host[1]} cannot be reached",
                hint=f"go online once, or name a checkpoint of your own: s3prl:{own}@FILE",
            ) from error
        raise ModelError(f"the weights of s3prl:{rest} cannot be loaded: {reason(error)}") from error


def _from_file(module: ModuleType, rest: str) -> Any:
    """The upstream with the weights of a file.

    What s3prl would download is a file instead: the first thing is the file, and others are next to it.

    Raises:
        ModelError: there is no such file, or the upstream reads none
    """
    name, _, given = rest.partition("@")
    file, asked = Path(given).expanduser(), list[Path]()
    make: Callable[..., Any] = getattr(module, name)

    def link(path: Path, url: str, **_: object) -> None:
        asked.append(file.with_name(unquote(PurePosixPath(urlsplit(url).path).name)) if asked else file)
        path.symlink_to(_existing(asked[-1]).resolve())

    if name.endswith(OF_FILES):
        return make(str(_existing(file)))
    downloads = importlib.import_module("s3prl.util.download")
    with TemporaryDirectory() as folder, _replaced(downloads, _download=link, _download_dir=Path(folder)):
        made = make()
    if not asked:
        raise _wrong_file(rest)
    return made


def _existing(path: Path) -> Path:
    """A file that exists.

    Raises:
        ModelError: it does not
    """
    if not path.is_file():
        raise ModelError(f"no such file: {path}")
    return path


@contextmanager
def _replaced(module: ModuleType, **values: Any) -> Iterator[None]:
    """Gives names of a module other values for a while."""
    before = {name: getattr(module, name) for name in values}
    vars(module).update(values)
    try:
        yield
    finally:
        vars(module).update(before)


@contextmanager
def _trusted(trust: bool) -> Iterator[None]:
    """Lets torch load pickles that may run code, if the user trusts them."""
    before = os.environ.get(UNSAFE)
    if trust:
        os.environ[UNSAFE] = "1"
    try:
        yield
    finally:
        if trust and before is None:
            del os.environ[UNSAFE]


def _shortest(upstream: Any, device: "torch.device") -> int:
    """Fewest samples of which an upstream makes at least one frame in every layer, by bisection below 1 s."""
    sound = noise(RATE_HZ, 1.0)

    def fits(length: int) -> bool:
        try:
            with warnings.catch_warnings(action="ignore"):  # of the spread of a single frame
                states = hidden_states(upstream, sound[:length], device)
        except Exception:  # an upstream raises anything for a signal that is shorter than one window
            return False
        return all(len(state) and np.isfinite(state).all() for state in states)

    too_short, enough = 0, RATE_HZ
    while enough - too_short > 1:
        middle = (too_short + enough) // 2
        too_short, enough = (too_short, middle) if fits(middle) else (middle, enough)
    return enough


def _fingerprint(upstream: Any, settings: str) -> str:
    digest = hashlib.blake2b(settings.encode(), digest_size=16)
    for key, tensor in upstream.state_dict().items():
        digest.update(f"{key} {tuple(tensor.shape)}".encode())
        digest.update(np.ascontiguousarray(tensor.cpu().numpy()).tobytes())
    return digest.hexdigest()
