"""The contract: the 25 parameters that model parsing infers.

Names, order, types, classes and meanings are defined here and nowhere else. The command line's
help, the table in the docs, the dataset's features, the checks of a prediction file, the models'
heads and the leaderboard's columns are made from `PARAMETERS`.

Source: Tables 2 and 3 of "Reverse Engineering of Generative Models". The order of the losses and
the names of the classes are read from the authors' published label arrays (docs/labels.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gmbench.errors import UnknownNameError, plain_form


class ParameterType(StrEnum):
    """What kind of value a parameter takes."""

    CONTINUOUS = "continuous"
    DISCRETE = "discrete"
    LOSS = "loss"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One of the 25 parameters.

    Attributes:
        name: Canonical name; also the column in datasets and prediction files.
        type: Continuous (a count), discrete (one of `classes`) or loss (used or not).
        meaning: One line for people.
        unit: What a continuous parameter counts; empty otherwise.
        classes: Class names of a discrete parameter, in the order of their indices.
        group: Coarse group of a loss (Table 3); empty otherwise.

    Examples:
        >>> import gmbench
        >>> parameter = gmbench.PARAMETERS[10]
        >>> parameter.name, parameter.classes
        ('last_nonlinearity', ('relu', 'tanh', 'leaky_relu', 'sigmoid'))
    """

    name: str
    type: ParameterType
    meaning: str
    unit: str = ""
    classes: tuple[str, ...] = ()
    group: str = ""

    @property
    def values(self) -> str:
        """The values that the parameter takes, in words."""
        if self.type is ParameterType.CONTINUOUS:
            return f"number of {self.unit}"
        if self.type is ParameterType.LOSS:
            return "0 or 1, or a score in [0, 1]"
        return ", ".join(f"{index} {name}" for index, name in enumerate(self.classes))


def _count(name: str, unit: str, meaning: str) -> Parameter:
    return Parameter(name, ParameterType.CONTINUOUS, meaning, unit=unit)


def _choice(name: str, classes: str, meaning: str) -> Parameter:
    return Parameter(name, ParameterType.DISCRETE, meaning, classes=tuple(classes.split()))


def _loss(name: str, group: str, meaning: str) -> Parameter:
    return Parameter(f"loss_{name}", ParameterType.LOSS, meaning, group=group)


PARAMETERS: tuple[Parameter, ...] = (
    _count("layers", "layers", "Layers in all: convolutional, fully connected, pooling, norm"),
    _count("conv_layers", "layers", "Convolutional layers"),
    _count("fc_layers", "layers", "Fully connected layers"),
    _count("pool_layers", "layers", "Pooling layers"),
    _count("norm_layers", "layers", "Normalization layers"),
    _count("filters", "filters", "Filters of all convolutional layers together"),
    _count("layers_per_block", "layers", "Layers in one block"),
    _count("blocks", "blocks", "Repeated blocks"),
    _count("parameters", "weights", "Trainable weights"),
    _choice("normalization", "batch instance none other", "Type of normalization"),
    _choice("last_nonlinearity", "relu tanh leaky_relu sigmoid", "Non-linearity after the output"),
    _choice("block_nonlinearity", "elu relu leaky_relu sigmoid", "Non-linearity in the blocks"),
    _choice("upsampling", "transposed_conv interpolation", "Type of up-sampling"),
    _choice("skip_connection", "no yes", "Skip connections"),
    _choice("downsampling", "no yes", "Down-sampling inside the network"),
    _loss("l1", "pixel", "L1 distance"),
    _loss("l2", "pixel", "L2 distance"),
    _loss("mse", "pixel", "Mean squared error"),
    _loss("mmd", "pixel", "Maximum mean discrepancy"),
    _loss("adversarial", "discriminator", "Adversarial loss of the first GAN"),
    _loss("wgan", "discriminator", "Wasserstein distance for GANs"),
    _loss("kl", "discriminator", "Kullback-Leibler divergence"),
    _loss("hinge", "discriminator", "Hinge loss"),
    _loss("ls", "discriminator", "Least squares loss of LSGAN"),
    _loss("ce", "classification", "Cross-entropy"),
)

CONTINUOUS: tuple[Parameter, ...] = PARAMETERS[:9]
DISCRETE: tuple[Parameter, ...] = PARAMETERS[9:15]
LOSSES: tuple[Parameter, ...] = PARAMETERS[15:]
NAMES: tuple[str, ...] = tuple(parameter.name for parameter in PARAMETERS)
N_CONTINUOUS, N_DISCRETE, N_LOSSES = len(CONTINUOUS), len(DISCRETE), len(LOSSES)
N_ARCHITECTURE = N_CONTINUOUS + N_DISCRETE
"""Number of parameters before the losses: what a network is, not how it was trained."""
N_HEADS = N_DISCRETE + N_LOSSES
"""Number of parameters that are classified."""
KINDS: tuple[str, ...] = ("GAN", "VAE", "AR", "AA", "NF", "DM")

_BY_FORM = {plain_form(parameter.name): parameter for parameter in PARAMETERS}


def get_parameter(name: str) -> Parameter:
    """Returns the parameter called `name`, ignoring letter case and separators.

    Raises:
        UnknownNameError: No parameter has that name.
    """
    try:
        return _BY_FORM[plain_form(name)]
    except KeyError:
        raise UnknownNameError(
            "Parameter", name, NAMES, "`gmbench info` lists the 25 parameters."
        ) from None


def markdown_table() -> str:
    """Returns the 25 parameters as a Markdown table; docs/labels.md holds it word for word."""
    lines = ["| parameter | type | values | meaning |", "|---|---|---|---|"]
    for parameter in PARAMETERS:
        kind = f"loss, {parameter.group}" if parameter.group else str(parameter.type)
        lines.append(f"| `{parameter.name}` | {kind} | {parameter.values} | {parameter.meaning} |")
    return "\n".join(lines)
