"""Non-local blocks on feature maps: one module for each family, and the reader that they share."""
