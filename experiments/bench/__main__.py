"""`python -m experiments.bench`: see the README in this folder."""

from experiments.bench.run import main

if __name__ == "__main__":
    main()
