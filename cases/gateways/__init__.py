"""Other systems: one module each, called from tasks only and never inside a transaction."""
