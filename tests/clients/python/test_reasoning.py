"""Reasoning through a loop of tools: what the SDK keeps of a message is what the model gets back."""

import pytest

from gateway import Gateway, official_sdk

openai = official_sdk()

TURNS = 20


def tool(name, argument):
    parameters = {"type": "object", "properties": {argument: {}}, "required": [argument]}
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


REQUEST = {
    "model": "replay.reasoning-agent",
    "reasoning_effort": "medium",
    "tools": [tool("measure_layer", "depth"), tool("name_rock", "sample")],
}


class Client:
    """A client of a gateway that repeats nothing, and remembers the headers of each answer."""

    def __init__(self, gateway):
        self.headers = []
        hooks = {"response": [lambda response: self.headers.append(response.headers)]}
        http_client = openai.DefaultHttpxClient(event_hooks=hooks)
        sdk = openai.OpenAI(base_url=gateway.base_url, api_key="unused", max_retries=0, http_client=http_client)
        self.completions = sdk.chat.completions

    def adjusted(self):
        """What became of each request so far."""
        return [headers.get("x-outcrop-adjusted") for headers in self.headers]


def whole(client, messages):
    """The message of one turn."""
    return client.completions.create(messages=messages, **REQUEST).choices[0].message


def helped(client, messages):
    """The same through the SDK's helper, which puts every list together by the `index` of its items."""
    with client.completions.stream(messages=messages, **REQUEST) as stream:
        return stream.get_final_completion().choices[0].message


turns = pytest.mark.parametrize("turn", [whole, helped])


def run(client, turn, keep):
    """Answers calls until there are none. Every turn has some, none is asked for twice, and the model always thinks."""
    messages = [{"role": "user", "content": "Describe this outcrop."}]
    while calls := (message := turn(client, messages)).tool_calls:
        assert len(client.headers) <= TURNS, "still calling"
        messages.append(keep(message))
        messages += [{"role": "tool", "tool_call_id": call.id, "content": "Two metres."} for call in calls]
    assert client.adjusted() == [None] * (TURNS + 1)
    assert all(headers["x-outcrop-attempts"] == "1" for headers in client.headers)


def everything(message):
    return message.model_dump(exclude_none=True)


def calls_alone(message):
    return {"role": "assistant", "tool_calls": [call.model_dump() for call in message.tool_calls]}


@turns
def test_messages_that_come_back_as_they_were_need_no_memory(turn):
    with Gateway(speed=0, variables={"OUTCROP_RECALL_MAX_BYTES": "0"}) as gateway:
        run(Client(gateway), turn, everything)


@turns
def test_calls_alone_are_remembered(gateway, turn):
    run(Client(gateway), turn, calls_alone)


def test_the_client_is_told_when_the_model_cannot_think(gateway):
    client = Client(gateway)
    question = {"role": "user", "content": "Describe this outcrop."}
    message = whole(client, [question])
    stranger = {**message.tool_calls[0].model_dump(), "id": "call_of_another_gateway"}
    call = {"role": "assistant", "tool_calls": [stranger]}
    result = {"role": "tool", "tool_call_id": stranger["id"], "content": "Two metres."}
    whole(client, [question, call, result])
    assert client.adjusted() == [None, "thinking=disabled"]
