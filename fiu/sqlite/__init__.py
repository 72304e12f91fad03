"""Django's SQLite backend for connections with `trusted_schema=OFF`."""
