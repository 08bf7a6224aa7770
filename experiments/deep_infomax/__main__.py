"""`python -m experiments.deep_infomax`: see README.md beside this file."""

from experiments.deep_infomax.run import main

if __name__ == "__main__":
    main()
