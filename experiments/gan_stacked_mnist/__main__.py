"""`python -m experiments.gan_stacked_mnist`: see README.md beside this file."""

from experiments.gan_stacked_mnist.run import main

if __name__ == "__main__":
    main()
