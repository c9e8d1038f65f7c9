"""The services' models, which are megabytes of JSON, read without looking at those of all services.

Both classes are parts that botocore lets its users replace; what they read is botocore's own.
"""

from __future__ import annotations

import gzip
import json
import os
from functools import cache
from pathlib import Path
from typing import Any

from botocore.loaders import JSONFileLoader, Loader, create_loader


@cache
def get_model_loader(path: str | None) -> Loader:
    """Return what finds models in botocore's folders, before them in those of ``data_path``.

    There is one for all sessions, because it keeps what it has read.
    """
    found = create_loader(path).search_paths
    return _LazyLoader(found, _DictFileLoader(), include_default_search_paths=False)


class _LazyLoader(Loader):
    """A loader that takes every folder for a service until it is asked for its model.

    botocore's own looks into the folders of four hundred services before it opens one of them.
    What has no model is told by the same error, only later.
    """

    def list_available_services(self, type_name: str) -> list[str]:
        """Return the names of all folders, whatever models are in them, sorted."""
        roots = [path for path in self.search_paths if Path(path).is_dir()]
        return sorted({one.name for root in roots for one in os.scandir(root) if one.is_dir()})


class _DictFileLoader(JSONFileLoader):
    """Reads JSON, packed or plain, into dictionaries: those have kept their order for long."""

    def load_file(self, file_path: str) -> Any:
        """Return what a file without its ending holds, or None where there is no such file."""
        for ending, opened in ((".json", open), (".json.gz", gzip.open)):
            if Path(file_path + ending).is_file():
                with opened(file_path + ending, "rb") as file:
                    return json.loads(file.read())
        return None
