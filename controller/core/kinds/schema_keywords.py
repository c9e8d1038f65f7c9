"""Keywords of ours in the schemas; other readers of draft-07 pass over them."""

from __future__ import annotations

from typing import Final

CODE: Final = "x-code"
"""The code of the problem that breaking this node is, where the keyword alone does not say."""
FORM: Final = "patternErrorMessage"
"""What the pattern asks for, in words; editors built on VS Code's service show it too."""
PROBLEM: Final = "x-problem"
"""On a rule that the shapes lack: what is wrong when it is broken, and what to do."""
REFUSED: Final = "x-refused"
"""Member to the reason why it exists in the API and is still never written."""
SENSITIVE: Final = "x-sensitive"
"""Values under this node are never shown."""
WRITTEN_TEXT: Final = ("string", "number", "boolean")
"""The types offered to editors for a text: YAML's guess at a scalar may be any of them."""
