"""Answers in a given form: by a grammar, by a tool that nobody sees, in words; the SDK's helpers know no difference."""

import json
from typing import List, Optional

import pytest

from gateway import official_sdk

openai = official_sdk()
pydantic = pytest.importorskip("pydantic")

QUESTION = [{"role": "user", "content": "Ada and Grace go on a field trip on the 2nd of May 2026."}]


class CalendarEvent(pydantic.BaseModel):
    name: str
    date: str
    participants: List[str]


class Wish(pydantic.BaseModel):
    """A schema with much that a grammar does not take."""

    name: str = pydantic.Field(min_length=1, description="What it is called.")
    date: str
    participants: List[str] = pydantic.Field(min_length=2, max_length=9)
    seats: Optional[int] = pydantic.Field(None, ge=1, le=99)
    parent: Optional["Wish"] = None


EVENT = CalendarEvent(name="Field trip", date="2026-05-02", participants=["Ada", "Grace"])
FIND_PEOPLE = {
    "type": "function",
    "function": {
        "name": "find_people",
        "strict": True,
        "parameters": {
            "type": "object",
            "properties": {"group": {"type": "string"}},
            "required": ["group"],
            "additionalProperties": False,
        },
    },
}

by_every_way = pytest.mark.parametrize(
    ("name", "adjusted"),
    [
        ("structured-native", None),
        ("structured-tool", "response_format=tool"),
        ("structured-tool-copied", "response_format=tool"),
        ("structured-fenced", "response_format=instruction"),
    ],
)


@by_every_way
def test_a_whole_answer_is_parsed(client, name, adjusted):
    response = client.chat.completions.with_raw_response.parse(
        model=f"replay.{name}", messages=QUESTION, response_format=CalendarEvent
    )
    assert response.headers.get("x-outcrop-adjusted") == adjusted
    [choice] = response.parse().choices
    assert choice.message.parsed == EVENT
    assert (choice.finish_reason, choice.message.refusal, choice.message.tool_calls) == ("stop", None, None)


@by_every_way
def test_a_stream_is_parsed(client, name, adjusted):
    request = {"model": f"replay.{name}", "messages": QUESTION, "response_format": CalendarEvent}
    pieces = []
    with client.chat.completions.stream(**request) as stream:
        for event in stream:
            if event.type == "content.delta":
                pieces.append(event.delta)
        [choice] = stream.get_final_completion().choices
    assert choice.message.parsed == EVENT
    assert (choice.finish_reason, choice.message.tool_calls) == ("stop", None)
    whole = client.chat.completions.parse(**request).choices[0].message.content
    assert "".join(pieces) == choice.message.content == whole
    assert len(pieces) > 5


@pytest.mark.parametrize("name", ["structured-native", "structured-tool"])
def test_a_schema_beyond_what_grammars_take(client, name):
    request = {"model": f"replay.{name}", "messages": QUESTION, "response_format": Wish}
    parsed = client.chat.completions.parse(**request).choices[0].message.parsed
    assert (parsed.name, parsed.seats, parsed.parent) == ("Field trip", None, None)


@pytest.mark.parametrize("streamed", [False, True])
def test_the_clients_own_tools_come_first(client, streamed):
    def turn(messages):
        request = {
            "model": "replay.structured-tool-loop",
            "messages": messages,
            "tools": [FIND_PEOPLE],
            "response_format": CalendarEvent,
        }
        if not streamed:
            return client.chat.completions.parse(**request).choices[0]
        with client.chat.completions.stream(**request) as stream:
            return stream.get_final_completion().choices[0]

    first = turn(QUESTION)
    assert (first.finish_reason, first.message.parsed) == ("tool_calls", None)
    [call] = first.message.tool_calls
    assert (call.function.name, call.function.parsed_arguments) == ("find_people", {"group": "trip"})
    result = {"role": "tool", "tool_call_id": call.id, "content": "Ada, Grace"}
    second = turn([*QUESTION, first.message.model_dump(exclude_none=True), result])
    assert (second.finish_reason, second.message.tool_calls) == ("stop", None)
    assert second.message.parsed == EVENT


@pytest.mark.parametrize("name", ["structured-fenced", "structured-native"])
@pytest.mark.parametrize("streamed", [False, True])
def test_any_object(client, name, streamed):
    answer = client.chat.completions.create(
        model=f"replay.{name}", messages=QUESTION, response_format={"type": "json_object"}, stream=streamed
    )
    if streamed:
        content = "".join(chunk.choices[0].delta.content or "" for chunk in answer)
    else:
        content = answer.choices[0].message.content
    assert json.loads(content) == EVENT.model_dump()


@pytest.mark.parametrize(
    ("format", "param"),
    [
        ({"type": "json_schema"}, "response_format.json_schema"),
        ({"type": "json_schema", "json_schema": {"name": "a"}}, "response_format.json_schema.schema"),
        ({"type": "grammar"}, "response_format.type"),
    ],
)
def test_a_format_that_is_none_names_its_param(client, format, param):
    with pytest.raises(openai.BadRequestError) as raised:
        client.chat.completions.create(model="replay.short-text", messages=QUESTION, response_format=format)
    assert raised.value.param == param
