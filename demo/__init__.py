"""The demo: a real rollout of real models on real data, moved and rolled back by bandit-operator."""
