"""`python -m experiments.benchmark`: see the README in this folder."""

from experiments.benchmark.run import main

if __name__ == "__main__":
    main()
