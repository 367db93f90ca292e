"""The operator on a real control plane, installed from its chart."""
