"""The family that non-local blocks come from: filters and graphical models, with pixels in place of features."""
