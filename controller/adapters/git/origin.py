"""What the daemon clones: a repository's URL, its branch, and the paths of its manifests."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from controller.core.sharding import Shard
from controller.core.urls import mask_urls, strip_credentials


@dataclass(frozen=True, slots=True)
class Origin:
    """What to clone: a URL, a branch (empty: the remote's default), and the manifests' paths."""

    url: str
    branch: str
    paths: tuple[Path, ...]

    def make_folder_name(self, shard: Shard) -> str:
        """Return a folder name for this clone; credentials in the URL do not change it."""
        url = strip_credentials(self.url)
        words = (url, self.branch, *map(str, self.paths), str(shard))
        digest = hashlib.sha256("\0".join(words).encode("utf-8", "surrogateescape")).hexdigest()
        stem = re.split(
            r"[/:]", strip_credentials(mask_urls(url)).rstrip("/").removesuffix(".git").rstrip("/")
        )[-1]
        return f"{re.sub(r'[^A-Za-z0-9_-]+', '-', stem).strip('-')[:40] or 'clone'}-{digest[:8]}"
