"""Every bound and classical method on tasks whose information is known."""
