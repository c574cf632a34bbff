# The same settings, names and defaults as [tool.aftershock.ec2]. The region is the provider's.

variable "name" {
  description = "Tells the cluster from others in the same account and region."
  type        = string
  default     = "aftershock"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,22}[a-z0-9]$", var.name))
    error_message = "A name has 2 to 24 letters, digits and hyphens, and begins with a letter."
  }
}

variable "owner" {
  description = "Who to ask about it: a tag."
  type        = string

  validation {
    condition     = can(regex("^[\\w .:/=+@-]{0,256}$", var.owner))
    error_message = "An owner has at most 256 letters, digits, spaces and . : / = + @ - _, as IAM takes them."
  }
}

variable "expires" {
  description = "When it has expired, as 2026-11-22T18:00:00Z: a tag. Nothing removes it by itself."
  type        = string

  validation {
    condition     = can(timeadd(var.expires, "0s"))
    error_message = "A time is written as 2026-11-22T18:00:00Z."
  }
}

variable "run" {
  description = "Who or what made it, as a pipeline's number: a tag."
  type        = string
  default     = "terraform"
}

variable "zone" {
  description = "Availability zone; empty is the first of the region."
  type        = string
  default     = ""
}

variable "control_plane" {
  description = "Instance type of the control plane."
  type        = string
  default     = "t3.medium"
}

variable "worker" {
  description = "Instance type of the workers."
  type        = string
  default     = "t3.medium"
}

variable "workers" {
  description = "How many workers."
  type        = number
  default     = 2
}

variable "disk_gib" {
  description = "Each node's disk."
  type        = number
  default     = 24
}

variable "image" {
  description = "The newest image of this name is taken; * is anything."
  type        = string
  default     = "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-server-*"
}

variable "image_owner" {
  description = "Whose image it is."
  type        = string
  default     = "099720109477"
}

variable "kubernetes" {
  description = "Version of kubeadm, kubelet and the control plane."
  type        = string
  default     = "1.34.4"
}

variable "vpc_cidr" {
  description = "Addresses of the VPC."
  type        = string
  default     = "10.20.0.0/16"
}

variable "node_cidr" {
  description = "Addresses of the nodes, which have no public ones."
  type        = string
  default     = "10.20.1.0/24"
}

variable "public_cidr" {
  description = "Addresses of the subnet that holds the NAT gateway and nothing else."
  type        = string
  default     = "10.20.0.0/24"
}

variable "pod_cidr" {
  description = "Addresses of the pods; the same is set in [tool.aftershock.ec2]."
  type        = string
  default     = "10.244.0.0/16"
}
