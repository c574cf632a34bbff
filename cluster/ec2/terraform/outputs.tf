output "control_plane" {
  description = "The control plane's instance."
  value       = aws_instance.node["control-plane"].id
}

output "instances" {
  description = "Every node's instance, by its part of the cluster."
  value       = { for part, machine in aws_instance.node : part => machine.id }
}

output "switch_role" {
  description = "The role that starts a stopped node: switch_role in [tool.aftershock.ec2]."
  value       = aws_iam_role.switch.arn
}
