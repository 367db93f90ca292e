"""Made-up worlds in which the real operator runs, and what must hold in all of them.

rollouts   Pods, routes, writers, specs, answers, clocks and crashes around one rollout
counters   counters, scrapes and a Prometheus around one rollout
shadowed   a shadow around one rollout, whose numbers may be anything
played     rollouts in a state that it takes long to come to
promised   what must hold at the moment of a write, and once things have come to rest
"""
