resource "aws_vpc" "vpc" {
  cidr_block           = var.vpc_cidr
  enable_dns_hostnames = true
  tags                 = merge(local.tags, { Name = "aftershock-${var.name}-vpc", "aftershock.dev/part" = "vpc" })
}

resource "aws_internet_gateway" "internet" {
  vpc_id = aws_vpc.vpc.id
  tags   = merge(local.tags, { Name = "aftershock-${var.name}-internet", "aftershock.dev/part" = "internet" })
}

resource "aws_subnet" "public" {
  vpc_id            = aws_vpc.vpc.id
  cidr_block        = var.public_cidr
  availability_zone = local.zone
  tags              = merge(local.tags, { Name = "aftershock-${var.name}-public", "aftershock.dev/part" = "public" })
}

resource "aws_subnet" "nodes" {
  vpc_id            = aws_vpc.vpc.id
  cidr_block        = var.node_cidr
  availability_zone = local.zone
  tags              = merge(local.tags, { Name = "aftershock-${var.name}-nodes", "aftershock.dev/part" = "nodes" })
}

resource "aws_eip" "nat" {
  domain     = "vpc"
  tags       = merge(local.tags, { Name = "aftershock-${var.name}-nat", "aftershock.dev/part" = "nat" })
  depends_on = [aws_internet_gateway.internet]
}

resource "aws_nat_gateway" "nat" {
  allocation_id = aws_eip.nat.id
  subnet_id     = aws_subnet.public.id
  tags          = merge(local.tags, { Name = "aftershock-${var.name}-nat", "aftershock.dev/part" = "nat" })
}

resource "aws_route_table" "public" {
  vpc_id = aws_vpc.vpc.id
  tags   = merge(local.tags, { Name = "aftershock-${var.name}-public", "aftershock.dev/part" = "public" })

  route {
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.internet.id
  }
}

resource "aws_route_table" "nodes" {
  vpc_id = aws_vpc.vpc.id
  tags   = merge(local.tags, { Name = "aftershock-${var.name}-nodes", "aftershock.dev/part" = "nodes" })

  route {
    cidr_block     = "0.0.0.0/0"
    nat_gateway_id = aws_nat_gateway.nat.id
  }
}

resource "aws_route_table_association" "public" {
  subnet_id      = aws_subnet.public.id
  route_table_id = aws_route_table.public.id
}

resource "aws_route_table_association" "nodes" {
  subnet_id      = aws_subnet.nodes.id
  route_table_id = aws_route_table.nodes.id
}

resource "aws_security_group" "nodes" {
  name        = "aftershock-${var.name}-nodes"
  description = "Nodes of a cluster of Aftershock"
  vpc_id      = aws_vpc.vpc.id
  tags        = merge(local.tags, { Name = "aftershock-${var.name}-nodes", "aftershock.dev/part" = "nodes" })

  # A pod's address is none of the group's members: the rule for the group alone would drop it.
  ingress {
    protocol    = "-1"
    from_port   = 0
    to_port     = 0
    self        = true
    cidr_blocks = [var.pod_cidr]
  }

  egress {
    protocol    = "-1"
    from_port   = 0
    to_port     = 0
    cidr_blocks = ["0.0.0.0/0"]
  }
}
