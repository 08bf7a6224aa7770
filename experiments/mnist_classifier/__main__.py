"""`python -m experiments.mnist_classifier`: see README.md beside this file."""

from experiments.mnist_classifier.run import main

if __name__ == "__main__":
    main()
