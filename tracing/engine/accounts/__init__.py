"""Account chains (Ethereum-like, TRON): recorded replies to transfers, and traces over accounts."""
