"""`python -m experiments.heco`: see README.md beside this file."""

from experiments.heco.run import main

if __name__ == "__main__":
    main()
