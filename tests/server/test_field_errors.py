"""What a wrong value is answered with: the field, the value, and what to send instead."""

from __future__ import annotations

from typing import Annotated

import pytest
from pydantic import BaseModel, Field, ValidationError

from memory_pipeline.server.problems import field_error


class Sent(BaseModel):
    name: Annotated[str, Field(pattern="^[a-z]{1,9}$")] = "a"
    count: Annotated[int, Field(ge=1)] = 1


@pytest.mark.parametrize(
    ("sent", "field", "remedy"),
    [
        ({"name": "{x}"}, "name", "send text that matches the regular expression ^[a-z]{1,9}$"),
        ({"count": 0}, "count", "send at least 1"),
        ({"count": "{many}"}, "count", "send a whole number"),
    ],
)
def test_a_wrong_value_is_answered_with_what_to_send(sent, field, remedy):
    with pytest.raises(ValidationError) as caught:
        Sent(**sent)
    [error] = caught.value.errors()
    found = field_error(error)
    assert (found.field, found.remedy) == (field, remedy)
    assert found.value == repr(sent[field])
