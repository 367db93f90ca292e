"""The arithmetic of decisions: no clock, no input or output, no randomness of its own.

What is taken and returned are frozen values; arrays have any leading axes, so that a simulation of
a thousand seeds runs the very code that one resource runs. A room imports only from rooms further down.

decide        decisions, from memory and snapshot to weights, outcomes and a reason
findings      what is proven now, and each arm's figures
allocation    the rule, on arrays: loser, target, bounds, witness
lifecycle     how an arm goes out of service and comes back
asked         what users ask of single arms: out, in again, brought back
renewal       when an arm is something else than its evidence is about, or is tried again
drain         how an arm goes down: weight 0, accepted, no requests, replicas 0
past          times that are remembered, held to a clock that was set back
retries       when an arm that was found worse is tried again
unwell        whether an arm's guards let it serve
shadowing     arms that answer copies only, until they are shown to be no worse
servable      whether an arm can serve
learn         what of a window is learned
plausible_shadow  what cannot be true of a shadow
plausibility  what cannot be true
holds         what must hold before evidence may move traffic
decision      what a decision starts from, and what it comes to
evaluate      what the memory says now, by the arms' names
assess        the same as arrays: shares, verdicts, forecasts
shadow_report  what the shadow says of each arm
outcomes      what happened, as typed values
weights       floors, step limits, integers
memory        what is kept from tick to tick, and its stored form
doubts        for how long what could not be is not learned
batch         arithmetic of many decisions, done together where it is alike
last_shares   the shares that weights go back to while they are held
experiment    the settings of one resource
strategies    how traffic is split, one file a strategy
shares        parts of the traffic that sum to 1
inference     what the data say: moments, posteriors, evidence, verdicts
windows       which stretches of time to read
durations     how long something takes, for people
quantities    decimals and durations as the resource writes them
model         frozen values that all the others take and return
reasons       every reason that can be given
"""
