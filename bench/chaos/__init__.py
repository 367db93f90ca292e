"""``python -m bench.chaos``: every fault that is known, on a cluster under a steady load.

fault        what a fault is: prepare, inject, observe, undo
faults       all of them, by kind, and their registry
scene        the cluster, and one fault's part of it
live         a rollout whose arms answer requests, and what is seen of it
served_model what runs in the arms' Pods
load         a steady load that dates each failure
recorder     what the cluster says at each moment
judge        from what was seen to figures; pure
play         plays and judges
page         the report and the page; pictures draws them
"""
