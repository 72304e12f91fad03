"""Reads: what a screen needs, in a known number of SQL queries."""
