"""`python -m experiments.gan_modes`: see README.md beside this file."""

from experiments.gan_modes.run import main

if __name__ == "__main__":
    main()
