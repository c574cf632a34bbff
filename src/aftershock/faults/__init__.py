"""Faults: what breaks a cluster, and how it is taken back.

`protocol` says what a fault owes, `journal` what is written before the act, `injector`
carries a fault through its life, `carrier` is the pod that acts inside a node, `recover`
undoes what any run left. Every other module is one fault; they do not know one another.

Does not belong here: judging (aftershock.judge), waiting loops (aftershock.clock).
"""
