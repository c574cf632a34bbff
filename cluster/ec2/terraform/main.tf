# The same parts as `aftershock up --provider ec2` makes, with the same names and tags: that command finds
# them by these, makes nothing of its own beside a key pair, and goes on with kubeadm.

locals {
  tags = {
    "aftershock.dev/cluster" = var.name
    "aftershock.dev/owner"   = var.owner
    "aftershock.dev/run"     = var.run
    "aftershock.dev/expires" = var.expires
  }

  parts = merge(
    { "control-plane" = var.control_plane },
    { for number in range(var.workers) : "worker-${number + 1}" => var.worker },
  )

  zone = var.zone != "" ? var.zone : data.aws_availability_zones.here.names[0]
  here = "${data.aws_region.here.name}:${data.aws_caller_identity.me.account_id}"
  path = "/aftershock/${data.aws_region.here.name}/${var.name}/"
}

data "aws_region" "here" {}

data "aws_caller_identity" "me" {}

data "aws_partition" "here" {}

data "aws_availability_zones" "here" {
  state = "available"

  # Local Zones, which are opted into, have neither every type nor NAT gateways.
  filter {
    name   = "opt-in-status"
    values = ["opt-in-not-required"]
  }
}

data "aws_ami" "node" {
  most_recent = true
  owners      = [var.image_owner]

  filter {
    name   = "name"
    values = [var.image]
  }

  filter {
    name   = "root-device-type"
    values = ["ebs"]
  }
}
