"""What auto-recovery is worth: the same faults with it and without it, in pairs, in random order.

"Without" is the component as a dry run: it runs, sees and plans in both, so nothing but its actions differs.
A recovery is timed by the recorder and the judge that scenarios use, from the fault's act; an action that is
about anything but the trial's own workload, or that comes in a trial without it, is a false one.
Before each trial it forgets what it did to a workload: what comes again within minutes is another playbook's.

`schedule` orders them, `trials` makes them, `report` sums up, `picture` draws, `bench` prints.
"""
