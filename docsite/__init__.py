"""The documentation as a website, built from the pages as they stand in the repository.

pages        which files become pages, and where their links lead
reference    the fields of a BanditDeployment, from its definition
drawings     Mermaid blocks as pictures inside the page
style.css    what the theme lacks
``python -m docsite`` puts all of it into ``build/site``.
"""
