"""Self-attention over tokens with known parts: one module for each family, the places of tokens, and masks."""
