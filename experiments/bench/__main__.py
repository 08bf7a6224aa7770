"""`python -m experiments.bench`: see README.md beside this file."""

from experiments.bench.run import main

if __name__ == "__main__":
    main()
