"""The viewer as a folder of static files: the networks as ONNX graphs, run in the browser that shows them."""
