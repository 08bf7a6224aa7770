"""How often the default estimate's 95 % interval holds the truth."""
