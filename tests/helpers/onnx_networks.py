"""Small ONNX networks, built operator by operator, and the same networks in torch."""

import numpy as np
import pytest
import torch

onnx = pytest.importorskip("onnx", reason="networks for the tests are built with onnx")

WIDTH, DIM = 400, 6
AUDONNX = "$audonnx.core.model.Model==0.7.0:\n  path: model.onnx\n  labels:\n    logits:\n{}  transform: {}\n"


class Reference(torch.nn.Module):
    """Frames of 400 samples → linear → tanh → mean over time (hidden_states) → linear (logits)."""

    def __init__(self, labels: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.kernel = torch.randn(DIM, 1, WIDTH, generator=generator)
        self.weight = torch.randn(labels, DIM, generator=generator) * 3
        self.bias = torch.linspace(-1, 1, labels)

    def forward(self, signal: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        frames = torch.nn.functional.conv1d(signal[:, None], self.kernel, stride=160)
        hidden = torch.tanh(frames).mean(dim=2)
        return hidden, hidden @ self.weight.T + self.bias


def write_network(
    path, labels=3, *, names=("hidden_states", "logits"), time="time", metadata=None, spoil=None
):
    """The network of `Reference` as an ONNX graph, operator by operator; returns the reference."""
    reference = Reference(labels)
    h, t = onnx.helper, onnx.TensorProto
    weight = reference.weight.T.numpy().copy()
    if spoil is not None:
        weight[0, 0] = spoil
    constants = {
        "kernel": reference.kernel.numpy(), "weight": weight, "bias": reference.bias.numpy(),
        "axis": np.array([1]),
    }  # fmt: skip
    graph = h.make_graph(
        [
            h.make_node("Unsqueeze", ["signal", "axis"], ["wide"]),
            h.make_node("Conv", ["wide", "kernel"], ["frames"], strides=[160]),
            h.make_node("Tanh", ["frames"], ["bounded"]),
            h.make_node("ReduceMean", ["bounded"], [names[0]], axes=[2], keepdims=0),
            h.make_node("Gemm", [names[0], "weight", "bias"], [names[1]]),
        ],
        "reference",
        [h.make_tensor_value_info("signal", t.FLOAT, [1, time])],
        [h.make_tensor_value_info(n, t.FLOAT, [1, d]) for n, d in zip(names, (DIM, labels), strict=True)],
        [onnx.numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], ir_version=9)
    h.set_model_props(model, metadata or {})
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, path)
    return reference


def write_audonnx(folder, labels=("arousal", "dominance", "valence"), transform="null", **settings):
    """The folder of an audonnx model; returns the reference."""
    reference = write_network(folder / "model.onnx", len(labels), **settings)
    named = "".join(f"    - {name}\n" for name in labels)
    (folder / "model.yaml").write_text(AUDONNX.format(named, transform))
    return reference
