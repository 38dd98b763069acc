"""How dates of pages are written in a policy file."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from gateway.policy.dating_words import FieldName, Patterns


def test_one_pattern_or_several_in_the_order_written():
    read = TypeAdapter(Patterns).validate_python
    assert read("/%Y/") == ("/%Y/",)
    assert read(["/b/%Y/", "/a/%Y/", "/b/%Y/"]) == ("/b/%Y/", "/a/%Y/")
    with pytest.raises(ValidationError, match="begin with a slash"):
        read("%Y")
    with pytest.raises(ValidationError, match="in brackets"):
        read(["/%Y/"] * 17)


def test_a_field_is_kept_in_small_letters():
    read = TypeAdapter(FieldName).validate_python
    assert (read("Last-Modified"), read("")) == ("last-modified", "")
    with pytest.raises(ValidationError, match="name of a header"):
        read("last modified")
