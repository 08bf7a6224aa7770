"""`python -m experiments.coverage`: see README.md beside this file."""

from experiments.coverage.run import main

if __name__ == "__main__":
    main()
