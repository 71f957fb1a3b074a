"""The mathematics of one-hidden-layer ReLU networks: pure functions on tensors."""
