"""`python -m experiments.fgan_gaussian`: see README.md beside this file."""

from experiments.fgan_gaussian.run import main

if __name__ == "__main__":
    main()
