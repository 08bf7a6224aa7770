"""`python -m experiments.independence`: see the README in this folder."""

from experiments.independence.run import main

if __name__ == "__main__":
    main()
