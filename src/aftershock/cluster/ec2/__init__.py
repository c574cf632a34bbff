"""A kubeadm cluster on EC2: everything it is made of is found by its tags, and removed by them.

boto3 is the extra `aftershock[ec2]`; `session` alone imports it, when the first call is made. What
belongs into a machine is in cluster/bootstrap, a script that knows nothing of EC2.
"""
