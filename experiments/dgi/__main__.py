"""`python -m experiments.dgi`: see README.md beside this file."""

from experiments.dgi.run import main

if __name__ == "__main__":
    main()
