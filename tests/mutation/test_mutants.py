from __future__ import annotations

import pytest

from tests.mutation import mutants_of_clones
from tests.mutation.__main__ import ROOT
from tests.mutation.mutants import MUTANTS, Mutant


@pytest.mark.parametrize(
    "mutant", [*MUTANTS, *mutants_of_clones.MUTANTS], ids=lambda mutant: mutant.name
)
def test_mutant_still_fits_the_code(mutant: Mutant) -> None:
    """What a mutant replaces stands once in its file, so that it breaks what it says."""
    text = (ROOT / mutant.path).read_text(encoding="utf-8")
    assert text.count(mutant.before) == 1
    assert mutant.after != mutant.before
