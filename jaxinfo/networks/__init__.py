"""Bundled networks, and adapters for Flax modules: the only room that knows Flax."""

from jaxinfo.networks.adapters import (
    from_linen,
    from_linen_in_training,
    from_nnx,
)
from jaxinfo.networks.classifiers import probe_classifier
from jaxinfo.networks.convolutional import (
    convolutional_classifier,
    convolutional_discriminator,
    convolutional_generator,
)
from jaxinfo.networks.critics import (
    bilinear_critic,
    discriminator,
    gaussian_conditional_critic,
    joint_critic,
    logistic_conditional_critic,
    mlp,
    separable_critic,
)
from jaxinfo.networks.densities import gaussian_density, logistic_density
from jaxinfo.networks.encoder_modules import Encoding
from jaxinfo.networks.encoders import (
    alexnet_encoder,
    convolutional_encoder,
    crop_encoder,
    residual_encoder,
)
from jaxinfo.networks.fourier import with_fourier_features
from jaxinfo.networks.generators import gaussian_generator, generator
from jaxinfo.networks.graph_encoders import (
    GraphViews,
    graph_encoder,
    heco_encoder,
    projection_head,
)
from jaxinfo.networks.local_critics import (
    concatenated_critic,
    embedding_critic,
)
from jaxinfo.networks.maxout import maxout_discriminator
from jaxinfo.networks.spectral import spectrally_normalized

__all__ = [
    "Encoding",
    "GraphViews",
    "alexnet_encoder",
    "bilinear_critic",
    "concatenated_critic",
    "convolutional_classifier",
    "convolutional_discriminator",
    "convolutional_encoder",
    "convolutional_generator",
    "crop_encoder",
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
    "residual_encoder",
    "separable_critic",
    "spectrally_normalized",
    "with_fourier_features",
]
