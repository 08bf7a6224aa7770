"""Bundled networks, and adapters for Flax modules."""

from jaxinfo.networks.adapters import (
    from_linen,
    from_linen_in_training,
    from_nnx,
)
from jaxinfo.networks.classifiers import probe_classifier
from jaxinfo.networks.critics import (
    bilinear_critic,
    embedding_critic,
    gaussian_conditional_critic,
    joint_critic,
    logistic_conditional_critic,
    separable_critic,
)
from jaxinfo.networks.densities import gaussian_density, logistic_density
from jaxinfo.networks.discriminators import discriminator, maxout_discriminator
from jaxinfo.networks.encoders import Encoding, convolutional_encoder
from jaxinfo.networks.fourier import with_fourier_features
from jaxinfo.networks.generators import gaussian_generator, generator
from jaxinfo.networks.graph_encoders import (
    GraphViews,
    graph_encoder,
    heco_encoder,
    projection_head,
)
from jaxinfo.networks.image_networks import (
    convolutional_classifier,
    convolutional_discriminator,
    convolutional_generator,
)
from jaxinfo.networks.mlp import mlp

__all__ = [
    "Encoding",
    "GraphViews",
    "bilinear_critic",
    "convolutional_classifier",
    "convolutional_discriminator",
    "convolutional_encoder",
    "convolutional_generator",
    "discriminator",
    "embedding_critic",
    "from_linen",
    "from_linen_in_training",
    "from_nnx",
    "gaussian_conditional_critic",
    "gaussian_density",
    "gaussian_generator",
    "generator",
    "graph_encoder",
    "heco_encoder",
    "joint_critic",
    "logistic_conditional_critic",
    "logistic_density",
    "maxout_discriminator",
    "mlp",
    "probe_classifier",
    "projection_head",
    "separable_critic",
    "with_fourier_features",
]
