"""The sample arm: one scikit-learn model behind the Open Inference Protocol v2 over HTTP."""
