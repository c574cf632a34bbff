"""Game days: a file that says what is run, why, and when to stop; and the run that goes by it.

What a scenario does, and how it is judged, is not known here: a game day has scenarios run by pytest,
in its order and as often as it says, alone or side by side.
"""
