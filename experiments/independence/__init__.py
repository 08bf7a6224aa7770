"""What the default estimate says of independent variables."""
