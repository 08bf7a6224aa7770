"""`python -m experiments.coverage`: see the README in this folder."""

from experiments.coverage.run import main

if __name__ == "__main__":
    main()
