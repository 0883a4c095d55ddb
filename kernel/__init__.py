"""What every layer shares: the error hierarchy and content identity. Imports nothing of reelindex."""
