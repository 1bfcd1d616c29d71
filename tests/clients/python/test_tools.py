"""Tools: definitions go out, calls come back, their results are sent, the answer follows."""

import json

import pytest

from gateway import official_sdk

official_sdk()

WEATHER = {"city": {"type": "string"}}


def tool(name, properties):
    parameters = {"type": "object", "properties": properties, "required": list(properties)}
    return {"type": "function", "function": {"name": name, "description": f"Does {name}.", "parameters": parameters}}


def whole_turn(client, **request):
    """One turn, asked for as a whole: the message, as a client keeps it, and why it ended."""
    [choice] = client.chat.completions.create(**request).choices
    return choice.message.model_dump(exclude_none=True), choice.finish_reason


def streamed_turn(client, **request):
    """The same turn, put together from a stream as a client without a helper does it."""
    content, calls, finish_reason = "", {}, None
    for chunk in client.chat.completions.create(stream=True, **request):
        [choice] = chunk.choices
        content += choice.delta.content or ""
        finish_reason = choice.finish_reason or finish_reason
        for delta in choice.delta.tool_calls or []:
            call = calls.setdefault(delta.index, {"id": "", "type": "", "function": {"name": "", "arguments": ""}})
            call["id"] += delta.id or ""
            call["type"] += delta.type or ""
            call["function"]["name"] += delta.function.name or ""
            call["function"]["arguments"] += delta.function.arguments or ""
    message = {"role": "assistant", "content": content}
    if calls:
        assert list(calls) == list(range(len(calls)))
        message["tool_calls"] = list(calls.values())
    return message, finish_reason


def helped_turn(client, **request):
    """The same turn through the SDK's helper."""
    with client.chat.completions.stream(**request) as stream:
        [choice] = stream.get_final_completion().choices
    return choice.message.model_dump(exclude_none=True), choice.finish_reason


turns = pytest.mark.parametrize("turn", [whole_turn, streamed_turn, helped_turn])


def run(client, turn, model, functions, tools):
    """Answers calls until there are none; the final text and all calls on the way."""
    messages, made = [{"role": "user", "content": "Go on."}], []
    for _ in range(10):
        message, finish_reason = turn(client, model=model, messages=messages, tools=tools)
        calls = message.get("tool_calls")
        assert finish_reason == ("tool_calls" if calls else "stop")
        if not calls:
            return message["content"], made
        messages.append(message)
        for call in calls:
            assert call["type"] == "function"
            name, arguments = call["function"]["name"], json.loads(call["function"]["arguments"])
            made.append((name, arguments))
            result = functions[name](**arguments)
            messages.append({"role": "tool", "tool_call_id": call["id"], "content": result})
    raise AssertionError(f"still calling: {made}")


@turns
def test_a_loop_of_calls_and_results(client, turn):
    tools = [tool("search", {"thing": {"type": "string"}}), tool("open_box", {"key": {"type": "string"}})]
    functions = {
        "search": lambda thing: f"The {thing} is under the stone. It is of brass.",
        "open_box": lambda key: f"The {key} key fits. There is a fossil.",
    }
    answer, made = run(client, turn, "replay.tool-loop", functions, tools)
    assert made == [("search", {"thing": "key"}), ("open_box", {"key": "brass"})]
    assert answer == "The brass key opened the box: there is a fossil in it."


@turns
def test_parallel_calls_have_ids_and_arguments_of_their_own(client, turn):
    tools = [tool("get_weather", WEATHER), tool("get_time", WEATHER)]
    request = {"model": "replay.tool-calls-parallel", "messages": [{"role": "user", "content": "Go on."}]}
    message, finish_reason = turn(client, **request, tools=tools)
    assert finish_reason == "tool_calls"
    assert message["content"] == "I'll look up both at once."
    calls = message["tool_calls"]
    assert len({call["id"] for call in calls}) == 2
    assert [(call["function"]["name"], json.loads(call["function"]["arguments"])) for call in calls] == [
        ("get_weather", {"city": "Lisbon"}),
        ("get_time", {"city": "Oslo"}),
    ]
    functions = {"get_weather": lambda city: "21 degrees, sun", "get_time": lambda city: "14:05"}
    answer, made = run(client, turn, request["model"], functions, tools)
    assert [name for name, _ in made] == ["get_weather", "get_time"]
    assert answer == "Lisbon has 21 degrees and sun, and in Oslo it is 14:05."


def test_the_first_delta_of_a_call_tells_all_but_its_arguments(client):
    stream = client.chat.completions.create(
        model="replay.tool-calls-parallel",
        messages=[{"role": "user", "content": "Go on."}],
        tools=[tool("get_weather", WEATHER), tool("get_time", WEATHER)],
        stream=True,
    )
    first = {}
    for chunk in stream:
        for delta in chunk.choices[0].delta.tool_calls or []:
            first.setdefault(delta.index, delta)
    assert [(delta.type, delta.function.name) for delta in first.values()] == [
        ("function", "get_weather"),
        ("function", "get_time"),
    ]
    assert all(delta.id for delta in first.values())


@turns
def test_a_call_without_arguments_is_an_empty_object(client, turn):
    name = "list_sensors"
    message, _ = turn(
        client,
        model="replay.tool-call-without-arguments",
        messages=[{"role": "user", "content": "Go on."}],
        tools=[tool(name, {})],
    )
    [call] = message["tool_calls"]
    assert (call["function"]["name"], call["function"]["arguments"]) == (name, "{}")


def test_a_model_that_cannot_stream_tools_is_streamed_all_the_same(client):
    tools = [tool("get_weather", WEATHER)]
    whole, _ = whole_turn(client, model="replay.llama-tool-call", messages=[{"role": "user", "content": "?"}], tools=tools)
    streamed, finish_reason = streamed_turn(
        client, model="replay.llama-tool-call", messages=[{"role": "user", "content": "?"}], tools=tools
    )
    assert finish_reason == "tool_calls"
    assert [call["function"] for call in streamed["tool_calls"]] == [call["function"] for call in whole["tool_calls"]]


def test_ids_may_come_back_without_punctuation(client):
    """OpenClaw strips everything but letters and digits from the ids, in call and result alike."""
    tools = [tool("search", {"thing": {"type": "string"}}), tool("open_box", {"key": {"type": "string"}})]
    messages = [{"role": "user", "content": "Go on."}]
    message, _ = whole_turn(client, model="replay.tool-loop", messages=messages, tools=tools)
    [call] = message["tool_calls"]
    call["id"] = "".join(filter(str.isalnum, call["id"]))
    messages += [message, {"role": "tool", "tool_call_id": call["id"], "content": "brass"}]
    message, _ = whole_turn(client, model="replay.tool-loop", messages=messages, tools=tools)
    assert message["tool_calls"][0]["function"]["name"] == "open_box"


@pytest.mark.parametrize("stream", [False, True])
def test_the_deprecated_functions(client, stream):
    function = tool("search", {"thing": {"type": "string"}})["function"]
    request = {"model": "replay.tool-loop", "functions": [function], "stream": stream}
    messages = [{"role": "user", "content": "Go on."}]
    answer = client.chat.completions.create(messages=messages, **request)
    if stream:
        choices = [chunk.choices[0] for chunk in answer]
        deltas = [choice.delta.function_call for choice in choices if choice.delta.function_call]
        name = "".join(delta.name or "" for delta in deltas)
        arguments = "".join(delta.arguments or "" for delta in deltas)
        assert not any(choice.delta.tool_calls for choice in choices)
        finish_reason = choices[-1].finish_reason
    else:
        [choice] = answer.choices
        name, arguments = choice.message.function_call.name, choice.message.function_call.arguments
        assert choice.message.tool_calls is None
        finish_reason = choice.finish_reason
    assert (name, json.loads(arguments), finish_reason) == ("search", {"thing": "key"}, "function_call")
    messages += [
        {"role": "assistant", "content": None, "function_call": {"name": name, "arguments": arguments}},
        {"role": "function", "name": name, "content": "The key is of brass."},
    ]
    followed = client.chat.completions.create(messages=messages, **{**request, "stream": False})
    assert followed.choices[0].message.function_call.name == "open_box"
