"""The viewer as a folder of static files, with the networks as ONNX graphs that run in the browser."""
