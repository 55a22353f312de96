"""What each torch function is: the vocabulary that measuring understands.

Functions are identified by their bare name, so that `torch.relu`, `Tensor.relu_` and
`torch.nn.functional.relu` are the same, and so are a module and the function that it calls.
`docs/labels.md` documents the same lists.
"""

from __future__ import annotations

import re

CONVOLUTIONS = frozenset({"conv1d", "conv2d", "conv3d"})
TRANSPOSED_CONVOLUTIONS = frozenset({"conv_transpose1d", "conv_transpose2d", "conv_transpose3d"})

LINEAR = frozenset({"linear", "bilinear"})
PRODUCTS_PLUS = frozenset({"addmm", "baddbmm", "addmv"})
"""Products that add their first argument, which is no factor."""
PRODUCTS = frozenset({*PRODUCTS_PLUS, "matmul", "rmatmul", "linalg_matmul", "mm", "bmm", "mv",
                      "inner", "grouped_mm", "einsum", "tensordot"})  # fmt: skip
"""Products that are a fully connected layer when one factor is a weight, not an activation."""

RECURRENT = frozenset({"lstm", "gru", "rnn_tanh", "rnn_relu"})
RECURRENT_CELLS = frozenset({"lstm_cell", "gru_cell", "rnn_tanh_cell", "rnn_relu_cell"})
ATTENTION = frozenset({"multi_head_attention_forward"})

POOL = re.compile(r"(adaptive_|fractional_)?(max|avg|lp)_pool[123]d(_with_indices)?")
SPATIAL_REDUCTIONS = frozenset({"mean", "sum", "amax"})
"""Reductions that are a global pooling when they go over all spatial dimensions and no others."""

STATISTICS = frozenset({"mean", "var", "std", "var_mean", "std_mean",
                        "norm", "linalg_norm", "linalg_vector_norm"})  # fmt: skip
"""Reductions by which a hand-written normalization divides."""

NORMS = {
    "batch_norm": "batch",
    "native_batch_norm": "batch",
    "instance_norm": "instance",
    "group_norm": "other",
    "native_group_norm": "other",
    "layer_norm": "other",
    "native_layer_norm": "other",
    "local_response_norm": "other",
    "rms_norm": "other",
    "normalize": "other",
}
"""Class of `normalization` of each normalizing function."""

_INTERPOLATIONS = {"interpolate", "upsample_nearest1d", "upsample_nearest2d", "upsample_nearest3d",
                   "upsample_nearest_exact1d", "upsample_nearest_exact2d", "upsample_linear1d",
                   "upsample_bilinear2d", "upsample_bicubic2d", "upsample_trilinear3d"}  # fmt: skip
RESIZERS = frozenset(
    {*_INTERPOLATIONS, "repeat_interleave", "max_unpool1d", "max_unpool2d", "max_unpool3d"}
)
SHUFFLERS = frozenset({"pixel_shuffle", "pixel_unshuffle"})

SUMS = frozenset({"add", "radd", "iadd", "sub", "rsub", "isub", "subtract"})
SCALINGS = frozenset({"mul", "rmul", "imul", "multiply", "div", "truediv", "rdiv", "rtruediv",
                      "idiv", "itruediv", "divide", "true_divide"})  # fmt: skip
CONCATENATIONS = frozenset({"cat", "concat", "concatenate"})
CUTS = frozenset({"chunk", "split", "tensor_split", "narrow", "getitem", "index_select"})

SMOOTH, RELU, LEAKY, SIGMOID, TANH = "smooth", "relu", "leaky_relu", "sigmoid", "tanh"

NONLINEARITIES = {
    **dict.fromkeys(("relu", "relu6", "threshold"), RELU),
    **dict.fromkeys(("leaky_relu", "prelu", "rrelu"), LEAKY),
    **dict.fromkeys(
        ("elu", "celu", "selu", "gelu", "silu", "mish", "softplus", "hardswish", "erf"), SMOOTH
    ),
    **dict.fromkeys(("sigmoid", "hardsigmoid", "logsigmoid", "glu"), SIGMOID),
    **dict.fromkeys(("tanh", "hardtanh", "softsign", "tanhshrink"), TANH),
}
"""Family of each non-linear function."""

GATES = frozenset({"sigmoid", "tanh"})
"""Functions `g` that form a smooth non-linearity when a value is multiplied by its own `g`."""

SOFTMAX = frozenset({"softmax", "softmin", "log_softmax", "gumbel_softmax"})
"""Members of the sigmoid family at the end of a network; inside it they belong to attention."""

LAST_CLASSES = {SMOOTH: "relu", RELU: "relu", LEAKY: "leaky_relu", SIGMOID: "sigmoid", TANH: "tanh"}
BLOCK_CLASSES = {
    SMOOTH: "elu",
    RELU: "relu",
    LEAKY: "leaky_relu",
    SIGMOID: "sigmoid",
    TANH: "sigmoid",
}
"""Classes of `last_nonlinearity` and `block_nonlinearity` for each family."""


NO_LAYERS = frozenset({
    "embedding", "embedding_bag", "where", "stack", "hstack", "vstack", "dstack", "maximum",
    "minimum", "max", "min", "pow", "rpow", "lerp", "addcmul", "addcdiv", "setitem", "getitem",
    "index", "index_select", "index_put", "index_add", "index_copy", "gather", "take_along_dim",
    "scatter", "scatter_add", "scatter_reduce", "masked_fill", "masked_scatter", "fill", "copy",
    "clamp", "clip", "eq", "ne", "gt", "ge", "lt", "le", "atan2", "fmod", "remainder",
    "broadcast_tensors", "expand_as", "view_as", "type_as", "to", "logaddexp", "logical_and",
    "logical_or", "scaled_dot_product_attention", "grid_sample", "grid_sampler",
})  # fmt: skip
"""Calls that take a weight and an activation but are not layers: they look up, shift, scale, select
or place side by side. This cannot be said of any other call."""

WAYS_OUT = frozenset({"numpy", "tolist", "array", "dlpack"})
"""Functions through which the values of a tensor leave what can be seen."""

WAYS_IN = frozenset({"tensor", "as_tensor", "asarray", "new_tensor", "lift_fresh"})
"""Functions that turn numbers and arrays into tensors."""


_ALIASES = {
    "log_sigmoid": "logsigmoid",
    "log_sigmoid_forward": "logsigmoid",
    "prelu_kernel": "prelu",
    "rrelu_with_noise": "rrelu",
    "native_batch_norm_legit": "native_batch_norm",
    "native_batch_norm_legit_no_training": "native_batch_norm",
    "cudnn_batch_norm": "native_batch_norm",
}
"""Other names of functions, most of them inside compiled code."""


def bare_name(function: object) -> str:
    """Returns the name of a torch function without underscores at its ends: `add_` is `add`.

    The overload of a function that compiled code calls is ignored: `add_.Tensor` is `add`.
    """
    name = str(getattr(function, "__name__", "")).partition(".")[0].strip("_")
    return _ALIASES.get(name, name)


def takes_shape_alone(name: str) -> bool:
    """Returns whether a function uses the shape and type of a tensor but not its values."""
    return name.endswith("_like") or name.startswith("new_")


def takes_first_alone(name: str) -> bool:
    """Returns whether a function uses its first tensor's values and its second tensor's shape."""
    return name.endswith("_as")
