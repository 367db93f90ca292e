"""Kubernetes operator that moves traffic between model versions by multi-armed bandits.

The map: what each room is for. A room imports only from rooms further down.

__main__     ``python -m bandit_operator``
cli          the command line, one file a verb
app          wires everything, starts and stops it
reconcile    one pass over one resource: observe → decide → commit → apply
watch        what the cluster shows: handlers, the cache they keep, a look past the watches; metrics, web page
status       what is remembered and said: committed, document and its inverse, conditions, events, words
runtime      the process: scheduler, election, shards, clock, settings, probes, metrics, delivery of notices
adapters     requests to others: API server, Prometheus, webhooks; and files that people wrote
sources      rewards from Prometheus, one file a source
api          the resource: models, definition, rules; presets, one file a gateway or model server
simulation   worlds to play, many seeds at once
routers      weights in a route, one file a kind
core         no clock, no input or output: what the data say, and what to do
errors       what crosses a room's border as an exception
"""
