resource "aws_iam_role" "nodes" {
  name = "aftershock-${var.name}-nodes-${data.aws_region.here.name}"
  path = local.path
  tags = merge(local.tags, { Name = "aftershock-${var.name}-nodes", "aftershock.dev/part" = "nodes" })

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "ec2.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy_attachment" "nodes" {
  role       = aws_iam_role.nodes.name
  policy_arn = "arn:${data.aws_partition.here.partition}:iam::aws:policy/AmazonSSMManagedInstanceCore"
}

resource "aws_iam_instance_profile" "nodes" {
  name = "aftershock-${var.name}-nodes-${data.aws_region.here.name}"
  path = local.path
  role = aws_iam_role.nodes.name
  tags = merge(local.tags, { Name = "aftershock-${var.name}-nodes", "aftershock.dev/part" = "nodes" })
}

resource "aws_iam_role" "switch" {
  name = "aftershock-${var.name}-switch-${data.aws_region.here.name}"
  path = local.path
  tags = merge(local.tags, { Name = "aftershock-${var.name}-switch", "aftershock.dev/part" = "switch" })

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "scheduler.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.me.account_id } }
    }]
  })
}

resource "aws_iam_role_policy" "switch" {
  name = "start"
  role = aws_iam_role.switch.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect    = "Allow"
        Action    = "ec2:StartInstances"
        Resource  = "arn:${data.aws_partition.here.partition}:ec2:${local.here}:instance/*"
        Condition = { StringEquals = { "aws:ResourceTag/aftershock.dev/cluster" = var.name } }
      },
      {
        # Where the account's disks have a key of its own, a start is accepted, and fails, without this.
        Effect    = "Allow"
        Action    = "kms:CreateGrant"
        Resource  = "arn:${data.aws_partition.here.partition}:kms:${local.here}:key/*"
        Condition = { Bool = { "kms:GrantIsForAWSResource" = "true" } }
      },
    ]
  })
}
