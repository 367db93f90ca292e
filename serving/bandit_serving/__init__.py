"""Model servers, reward collector, shadow server and traffic replayer to run beside bandit-operator.

One command line, ``bandit-serving``, with a verb for each: ``arm`` serves a scikit-learn model by the Open
Inference Protocol v2, ``collector`` joins predictions with their labels and counts rewards, ``delay`` tells
how late labels come, ``replay`` plays a data set through a gateway, ``shadow`` has copies of requests
answered by every arm. Nothing in here imports the operator: the two meet in Prometheus, at the counters
``model_reward_…_total``.
"""
