"""`python -m experiments.benchmark`: see README.md beside this file."""

from experiments.benchmark.run import main

if __name__ == "__main__":
    main()
