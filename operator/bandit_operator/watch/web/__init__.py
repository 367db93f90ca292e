"""The web page: what the statuses say, for whoever the API server lets read them. Read only.

``gate`` asks the API server who somebody is and what they may read, ``charts`` places lines on a plane,
``pages`` gathers what a template needs, ``headers`` has what a browser is told and believed, ``server``
answers.
"""
