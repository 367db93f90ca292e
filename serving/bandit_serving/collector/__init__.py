"""The reward collector: joins predictions with the labels that come later and counts rewards for each arm.

An event is acknowledged only after the transaction that holds it is on disk, and each request is counted by
its id in the same transaction that stores its join, so a process killed at any point loses nothing
acknowledged and counts nothing twice.
"""
