"""Self-attention over tokens whose parts are known: one module for each family, where tokens lie, masks."""
