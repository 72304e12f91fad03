"""The door of analysts: each view parses, calls one query or one service, and renders."""
