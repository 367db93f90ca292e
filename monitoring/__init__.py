"""Alert rules and dashboards for whoever runs the operator, made from code.

alerts        when somebody is to be told, and what
dashboards    two pages for Grafana: all rollouts, and one of them
panels        what both are made of
``python -m monitoring`` writes them into the chart.
"""
