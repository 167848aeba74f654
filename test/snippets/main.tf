resource "aws_dynamodb_table" "tokens" {
  name         = "tokens-${terraform.workspace}"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "pk"

  attribute {
    name = "pk"
    type = "S"
  }

  ttl {
    attribute_name = "keepUntil"
    enabled        = true
  }

  # Backups would bring back refresh tokens that were rotated since.
  point_in_time_recovery {
    enabled = false
  }
}

resource "aws_secretsmanager_secret" "client" {
  description = "The client secret; give it its value by hand"
}

resource "aws_lambda_function" "contacts" {
  function_name    = "contacts-${terraform.workspace}"
  role             = aws_iam_role.contacts.arn
  filename         = "dist/contacts.zip"
  source_code_hash = filebase64sha256("dist/contacts.zip")
  handler          = "contacts.handler"
  runtime          = "nodejs24.x"
  architectures    = ["arm64"]
  memory_size      = 256
  # Longer than a cold start that waits for the token request of another environment.
  timeout = 15

  environment {
    variables = {
      TOKEN_TABLE      = aws_dynamodb_table.tokens.name
      CLIENT_SECRET_ID = aws_secretsmanager_secret.client.arn
    }
  }
}

resource "aws_iam_role" "contacts" {
  assume_role_policy = data.aws_iam_policy_document.lambda.json
}

resource "aws_iam_role_policy_attachment" "logs" {
  role       = aws_iam_role.contacts.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
}

resource "aws_iam_role_policy" "tokens" {
  role   = aws_iam_role.contacts.id
  policy = data.aws_iam_policy_document.tokens.json
}

data "aws_iam_policy_document" "lambda" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "tokens" {
  statement {
    actions   = ["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:UpdateItem"]
    resources = [aws_dynamodb_table.tokens.arn]
  }
  statement {
    actions   = ["secretsmanager:GetSecretValue"]
    resources = [aws_secretsmanager_secret.client.arn]
  }
}

# The rest is only for a plan of refreshes: see docs/schedule.md.
resource "aws_scheduler_schedule" "refresh" {
  schedule_expression = "rate(1 minute)"

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = aws_lambda_function.contacts.arn
    role_arn = aws_iam_role.schedule.arn
  }
}

resource "aws_iam_role" "schedule" {
  assume_role_policy = data.aws_iam_policy_document.scheduler.json
}

resource "aws_iam_role_policy" "schedule" {
  role   = aws_iam_role.schedule.id
  policy = data.aws_iam_policy_document.invoke.json
}

data "aws_iam_policy_document" "scheduler" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["scheduler.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "invoke" {
  statement {
    actions   = ["lambda:InvokeFunction"]
    resources = [aws_lambda_function.contacts.arn]
  }
}
