from __future__ import annotations

import pytest

from tests.mutation.__main__ import MUTANTS, ROOT
from tests.mutation.mutants import Mutant


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_mutant_still_fits_the_code(mutant: Mutant) -> None:
    """What a mutant replaces stands once in its file, so that it breaks what it says."""
    text = (ROOT / mutant.path).read_text(encoding="utf-8")
    assert text.count(mutant.before) == 1
    assert mutant.after != mutant.before
