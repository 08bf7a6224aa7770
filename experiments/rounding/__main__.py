"""`python -m experiments.rounding`: see the README in this folder."""

from experiments.rounding.run import main

if __name__ == "__main__":
    main()
