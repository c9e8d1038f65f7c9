"""Answers as they come over the wire: which are the service's, before botocore reads them.

A proxy's page, a cut or nested document, or an error that is not in the service's format says
nothing of what the service did. It never reaches botocore's parsers, which would make an answer
without members of it, or fail in ways of their own.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn
from xml.parsers import expat

from botocore.exceptions import BotoCoreError
from botocore.parsers import ResponseParserFactory

from controller.adapters.aws.timestamps import format_time, parse_time
from controller.core.call_errors import NOT_UNDERSTOOD

if TYPE_CHECKING:
    from botocore.session import Session

RAW_BODY = "HTTPBody"
"""The member of ResponseMetadata that keeps what came over the wire."""
MAX_DEPTH = 64
"""How deep an answer may nest: many times what any answer of the service does."""

_SUCCESS = range(200, 300)
_CODE = re.compile(r"[A-Z][A-Za-z0-9.]*", re.ASCII)
_EXCEPTION = re.compile(r"[A-Z][A-Za-z0-9]*(?:Exception|Error|Fault)", re.ASCII)
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_TYPE, _REQUEST = "x-amzn-errortype", "x-amzn-requestid"


class ResponseNotUnderstoodError(BotoCoreError):
    """An answer of a successful call that is not the service's."""

    fmt = "{why}"


def install_response_checks(session: Session) -> None:
    """Have a session's clients judge every answer before they read it."""
    session.register_component("response_parser_factory", _CheckedParserFactory())


def has_error_code(code: str) -> bool:
    """Whether a text is the code of an error in the service's own format."""
    return _CODE.fullmatch(code) is not None


def read_wire_members(answer: Mapping[str, Any], declared: Collection[str]) -> dict[str, Any]:
    """Return an answer's members as the service wrote them, whatever botocore's model knows.

    A parsed answer lacks the members that the installed model does not have. Times, which are the
    members whose names end in ``Time``, are in RFC 3339 with milliseconds; null is left out. The
    ``declared`` members echo a manifest: they hold no times, and maps whose keys are the user's.
    """
    content = _parse_json_object(answer["ResponseMetadata"][RAW_BODY]) or {}
    return {
        name: _convert_value(name, value, has_times=name not in declared)
        for name, value in content.items()
        if value is not None
    }


def _convert_value(name: str, value: Any, *, has_times: bool) -> Any:
    if isinstance(value, dict):
        members = ((inner, one) for inner, one in value.items() if one is not None)
        return {inner: _convert_value(inner, one, has_times=has_times) for inner, one in members}
    if isinstance(value, list):
        return [_convert_value("", one, has_times=has_times) for one in value]
    return _convert_time(value) if has_times and name.endswith("Time") else value


def _convert_time(value: Any) -> Any:
    """Return a time as a text; what is no time stays as it is."""
    try:
        return format_time(parse_time(value))
    except (ValueError, OverflowError, RuntimeError, TypeError):
        return value


class _CheckedParserFactory(ResponseParserFactory):
    """botocore's parsers, each behind a judge of its protocol."""

    def create_parser(self, protocol_name: str) -> Any:
        judge = _CHECKS.get(protocol_name, _accept_any)
        return _CheckedParser(super().create_parser(protocol_name), judge)


@dataclass(frozen=True, slots=True)
class _CheckedParser:
    """A parser that is only given what the service answered."""

    parser: Any
    check: Callable[[_WireResponse], str | None]

    def parse(self, response: Mapping[str, Any], shape: Any) -> Any:
        """Return the parsed answer, or one whose error is that it is not understood.

        Raises ResponseNotUnderstoodError where botocore would take the call for successful.
        """
        wire = _make_wire_response(response, shape)
        why = self.check(wire)
        if why is None:
            try:
                return self._parse_response(response, shape, wire)
            except Exception as error:
                why = f"botocore cannot read it ({type(error).__name__}: {error})"
        text = f"the answer is not the service's: HTTP {wire.status}, {why}"
        if wire.is_success:
            raise ResponseNotUnderstoodError(why=text)
        metadata = {"HTTPStatusCode": wire.status, "HTTPHeaders": {}}
        return {"Error": {"Code": NOT_UNDERSTOOD, "Message": text}, "ResponseMetadata": metadata}

    def _parse_response(self, response: Mapping[str, Any], shape: Any, wire: _WireResponse) -> Any:
        parsed = self.parser.parse(response, shape)
        if wire.is_success:
            parsed.setdefault("ResponseMetadata", {})[RAW_BODY] = wire.body
        return parsed


@dataclass(frozen=True, slots=True)
class _WireResponse:
    """An answer as it came; ``is_empty`` is whether its operation has nothing to answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    is_empty: bool

    @property
    def is_success(self) -> bool:
        """Whether the status says that the call was carried out."""
        return self.status in _SUCCESS


def _make_wire_response(response: Mapping[str, Any], shape: Any) -> _WireResponse:
    headers = {name.lower(): value for name, value in response["headers"].items()}
    body = response["body"]
    return _WireResponse(
        response["status_code"],
        headers,
        body if isinstance(body, bytes) else b"",
        shape is None or not shape.members,
    )


def _accept_any(_wire: _WireResponse) -> str | None:
    """Judge nothing: a protocol that no service of ours speaks."""
    return None


def _find_fault_in_json(wire: _WireResponse) -> str | None:
    """Return why an answer in JSON is not the service's, or None where it is."""
    if not wire.body:
        # Only what the service signs with a request's id may be silent.
        is_silent = wire.is_empty or not wire.is_success
        content: Any = {} if is_silent and _REQUEST in wire.headers else None
    else:
        content = _parse_json_object(wire.body)
    if content is None:
        return f"{_describe(wire)} and not JSON of the service's"
    if wire.is_success:
        # An operation that answers nothing has no member by which a stranger's JSON would show.
        is_odd = wire.is_empty and content and _REQUEST not in wire.headers
        return f"{_describe(wire)} where the service answers nothing" if is_odd else None
    code = wire.headers.get(_TYPE) or str(content.get("__type") or content.get("code") or "")
    # As in "com.amazonaws.bedrock#ValidationException:http://internal.amazon.com/…".
    space, _, name = code.partition(":")[0].rpartition("#")
    form = _CODE if space or wire.headers.get(_TYPE) else _EXCEPTION
    return None if form.fullmatch(name) else "an error without the service's type"


def _parse_json_object(body: bytes) -> dict[str, Any] | None:
    """Return an object of bounded depth whose every text and number can be written again."""
    try:
        content = json.loads(
            body.decode("utf-8"), parse_constant=_refuse_number, parse_float=_parse_finite_number
        )
        if _SURROGATE.search(body):
            json.dumps(content, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        return None
    is_bounded = body.count(b"[") + body.count(b"{") <= MAX_DEPTH or not _is_deep(content)
    return content if isinstance(content, dict) and is_bounded else None


def _is_deep(content: Any) -> bool:
    level = [content]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for value in level
            if isinstance(value, dict | list)
            for inner in (value.values() if isinstance(value, dict) else value)
        ]
    return bool(level)


def _refuse_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _parse_finite_number(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse_number(text)


class _XmlOutline:
    """What an XML document holds of what is judged: its root, its depth, its error's code."""

    def __init__(self) -> None:
        self.path: list[str] = []
        self.root = ""
        self.code = ""

    def start(self, name: str, _attributes: object) -> None:
        if len(self.path) == MAX_DEPTH:
            raise ValueError(f"it nests deeper than {MAX_DEPTH} levels")
        self.path.append(name.rpartition(" ")[2])
        self.root = self.root or self.path[0]

    def end(self, _name: str) -> None:
        self.path.pop()

    def add_text(self, data: str) -> None:
        if self.path[1:] == ["Error", "Code"]:
            self.code += data

    def refuse_doctype(self, *_: object) -> NoReturn:
        raise ValueError("it declares a document type")


def _find_fault_in_xml(wire: _WireResponse) -> str | None:
    """Return why an answer of the query protocol is not the service's, or None where it is."""
    found, is_final = _XmlOutline(), True
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler, parser.EndElementHandler = found.start, found.end
    parser.CharacterDataHandler = found.add_text
    parser.StartDoctypeDeclHandler = found.refuse_doctype
    try:
        parser.Parse(wire.body, is_final)
    except (expat.ExpatError, ValueError):
        return f"{_describe(wire)} and not XML of the service's"
    if wire.is_success:
        is_ours = found.root.endswith("Response") and found.root != "ErrorResponse"
        return None if is_ours else f"{_describe(wire)} and not XML of the service's"
    is_error = found.root == "ErrorResponse" and _CODE.fullmatch(found.code.strip())
    return None if is_error else "an error without the service's type"


def _describe(wire: _WireResponse) -> str:
    return f"{wire.headers.get('content-type') or 'no content type'}, {len(wire.body)} bytes"


_CHECKS: Mapping[str, Callable[[_WireResponse], str | None]] = {
    "rest-json": _find_fault_in_json,
    "json": _find_fault_in_json,
    "query": _find_fault_in_xml,
}
