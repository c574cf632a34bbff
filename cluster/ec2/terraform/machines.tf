resource "aws_instance" "node" {
  for_each = local.parts

  ami                    = data.aws_ami.node.id
  instance_type          = each.value
  subnet_id              = aws_subnet.nodes.id
  vpc_security_group_ids = [aws_security_group.nodes.id]
  iam_instance_profile   = aws_iam_instance_profile.nodes.name
  # Pods have addresses of their own, which EC2 would drop.
  source_dest_check = false

  user_data = <<-END
    #!/bin/bash
    set -eu
    echo ${base64gzip(file("${path.module}/../../bootstrap/node"))} | base64 -d | gzip -d >/usr/local/sbin/aftershock-node
    chmod 755 /usr/local/sbin/aftershock-node
    /usr/local/sbin/aftershock-node prepare --kubernetes ${var.kubernetes} --agent
  END

  metadata_options {
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  root_block_device {
    volume_size           = var.disk_gib
    volume_type           = "gp3"
    encrypted             = true
    delete_on_termination = true
  }

  tags        = merge(local.tags, { Name = "aftershock-${var.name}-${each.key}", "aftershock.dev/part" = each.key })
  volume_tags = merge(local.tags, { Name = "aftershock-${var.name}-${each.key}", "aftershock.dev/part" = each.key })

  # An image that is newer by now makes no node anew.
  lifecycle {
    ignore_changes = [ami, user_data]
  }

  depends_on = [aws_route_table_association.nodes]
}
