"""Model servers, reward collector and traffic replayer to run beside bandit-operator; never imports it."""
