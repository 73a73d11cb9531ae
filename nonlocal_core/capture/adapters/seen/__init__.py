"""Layers that attend in any form, read by the products and softmaxes that they call in torch."""
