"""The door of law enforcement: what was shared with one officer, and nothing else."""
