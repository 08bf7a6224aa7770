"""`python -m experiments.independence`: see README.md beside this file."""

from experiments.independence.run import main

if __name__ == "__main__":
    main()
