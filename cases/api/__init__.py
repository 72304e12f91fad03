"""The door for programs: the casework as JSON under /api/v1/, one module per noun."""
