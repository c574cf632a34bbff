"""The vocabulary of scenarios: step definitions by domain noun.

A step body has at most five lines; what it does lives in the rest of the package.
"""
