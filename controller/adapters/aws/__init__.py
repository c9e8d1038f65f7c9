"""AWS through botocore: Bedrock, STS and SQS."""
