"""The writing services of the casework: one function, one decision, one transaction."""
