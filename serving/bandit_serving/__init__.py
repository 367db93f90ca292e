"""Model servers, reward collector and traffic replayer to run beside bandit-operator.

One command line, ``bandit-serving``, with a verb for each: ``arm`` serves a scikit-learn model by the Open
Inference Protocol v2, ``collector`` joins predictions with their labels and counts rewards, ``delay`` tells
how late labels come, ``replay`` plays a data set through a gateway. Nothing in here imports the operator: the
two meet in Prometheus, at ``model_reward_trials_total`` and ``model_reward_successes_total``.
"""
