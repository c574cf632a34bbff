"""Auto-recovery: sees trouble in the cluster, and does once what a playbook says is to be done.

`playbooks`   the data: trigger, condition, steps, limits; `reading` checks it
`exclusions`  what is never touched
`kube`        the API, `watching` a list and a watch kept whole, `leading` which replica acts
`objects`     what is read off pods, deployments and nodes
`findings`    trouble, from what is seen: pure functions
`incidents`   what was found and how far its playbook is, kept in a ConfigMap
`steps`       what a playbook can do, a module per kind of thing that it changes
`engine`      the loop: findings to incidents, incidents to steps; `limits` how often
`telling`     what was done, as Events, lines of the log and counts
`summary`     pods by state, and their success rate
`replica`     the tasks of one replica; `seeing` what it sees; `making` puts it together
`app`         the webhook, what is known, and the metrics; `commands` what is printed

Before a step acts, its intent is written down with absolute values; who dies then is followed by
somebody who finds it and does the same once more, or sees that it is done. Nothing here knows of
faults, nor of what measures them.
"""
