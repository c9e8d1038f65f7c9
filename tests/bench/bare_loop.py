"""The rival of a pass that submits: boto3 and a pool of threads, and nothing that remembers.

``python bare_loop.py URL WIDTH REQUESTS`` makes each Create of a JSON file and the Get after it.
It makes the same calls before them as a pass: whose account this is, and which jobs there are.
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config


def main(url: str, width: int, requests: list[dict[str, Any]]) -> None:
    """Submit every request, and look at each job once."""
    retries: Any = {"mode": "standard", "total_max_attempts": 3}
    config = Config(max_pool_connections=width, retries=retries)
    bedrock = boto3.client("bedrock", endpoint_url=url, config=config)

    def submit(request: dict[str, Any]) -> None:
        arn = bedrock.create_model_customization_job(**request)["jobArn"]
        bedrock.get_model_customization_job(jobIdentifier=arn)

    boto3.client("sts", endpoint_url=url, config=config).get_caller_identity()
    bedrock.list_model_customization_jobs(maxResults=1000)
    with ThreadPoolExecutor(width) as pool:
        list(pool.map(submit, requests))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), json.loads(Path(sys.argv[3]).read_bytes()))
