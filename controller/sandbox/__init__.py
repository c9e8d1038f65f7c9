"""A simulated Bedrock and STS, served on loopback."""
