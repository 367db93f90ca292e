"""Where the operator's processor time goes, step by step."""
