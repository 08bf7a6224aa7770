"""`python -m experiments.ablation`: see README.md beside this file."""

from experiments.ablation.run import main

if __name__ == "__main__":
    main()
