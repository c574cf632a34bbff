"""A run's folder, copied to where it outlives the machine: another directory, or S3-compatible storage.

The folder under reports/ stays as it is, whatever happens: nothing here deletes or moves it. What a
folder holds, and who writes it, does not belong here.
"""
