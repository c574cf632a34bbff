"""Tells more people the longer an alert goes unacknowledged: the policy is data, this carries it out.

`policy` reads it, `escalator` decides who is to be told now, `messages` words it for each kind of channel,
`app` asks Alertmanager, delivers and serves. It acts on nothing itself: what a level asks to be done is
part of what it says.
"""
