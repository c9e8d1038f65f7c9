"""A GitOps controller for Amazon Bedrock's asynchronous jobs."""
