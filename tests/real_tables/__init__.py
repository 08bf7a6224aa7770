"""Small tables as people have them, each with its right value or refusal."""
