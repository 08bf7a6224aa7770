"""Floor 0: types, checks and numerics that every other room stands on."""
