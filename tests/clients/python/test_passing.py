"""Several choices, and what is said to Bedrock and heard of it in Bedrock's own words."""

from gateway import official_sdk

openai = official_sdk()

OUTCROP = "An outcrop is where bedrock comes to the surface."
QUESTION = [{"role": "user", "content": "What is an outcrop?"}]
USAGE = {"include_usage": True}


def answer(client, model, **more):
    return client.chat.completions.create(model=model, messages=QUESTION, **more)


def test_what_a_guardrail_found_is_told_with_the_answer(client):
    guardrail = {"guardrailIdentifier": "gr0example12", "guardrailVersion": "1", "trace": "enabled"}
    extra = {"bedrock": {"guardrailConfig": guardrail}}
    whole = answer(client, "replay.guardrail-intervened", extra_body=extra)
    assert whole.choices[0].finish_reason == "content_filter"
    assert whole.choices[0].message.content == "Sorry, I can't help with that."
    assert whole.bedrock["stopReason"] == "guardrail_intervened"
    assert "gr0example12" in whole.bedrock["trace"]["guardrail"]["inputAssessment"]

    chunks = list(answer(client, "replay.guardrail-intervened", extra_body=extra, stream=True))
    assert chunks[-1].choices == [] and chunks[-1].usage is None
    assert chunks[-1].bedrock == whole.bedrock
    assert not any(hasattr(chunk, "bedrock") for chunk in chunks[:-1])


def test_citations_are_told_with_their_locations(client):
    whole = answer(client, "replay.citations", extra_body={"bedrock": {}})
    [annotation] = whole.choices[0].message.annotations
    citation = annotation.url_citation
    assert citation.url == "https://example.com/map"
    assert whole.choices[0].message.content[citation.start_index : citation.end_index] == ", as maps show."
    first, second = (block["citationsContent"]["citations"] for block in whole.bedrock["content"])
    assert first[0]["location"] == {"documentPage": {"documentIndex": 0, "start": 3, "end": 4}}
    assert second[1]["sourceContent"] == [{"text": "See the map."}]


def test_the_stream_helper_puts_annotations_together(client):
    with client.chat.completions.stream(model="replay.citations", messages=QUESTION) as stream:
        message = stream.get_final_completion().choices[0].message
    assert message.annotations[0].url_citation.title == "Map"


def test_choices_of_a_whole_answer(client):
    whole = answer(client, "replay.short-text", n=3)
    assert [choice.index for choice in whole.choices] == [0, 1, 2]
    assert {choice.message.content for choice in whole.choices} == {OUTCROP}
    assert whole.usage.completion_tokens == 3 * 15


def test_choices_of_a_stream(client):
    texts = {0: "", 1: "", 2: ""}
    reasons = {}
    chunks = list(answer(client, "replay.short-text", n=3, stream=True, stream_options=USAGE))
    for choice in (choice for chunk in chunks for choice in chunk.choices):
        texts[choice.index] += choice.delta.content or ""
        if choice.finish_reason:
            reasons[choice.index] = choice.finish_reason
    assert texts == {0: OUTCROP, 1: OUTCROP, 2: OUTCROP}
    assert reasons == {0: "stop", 1: "stop", 2: "stop"}
    assert [chunk.usage.total_tokens for chunk in chunks if chunk.usage] == [3 * 29]


def test_the_stream_helper_puts_choices_together(client):
    with client.chat.completions.stream(model="replay.tool-calls-parallel", messages=QUESTION, n=2) as stream:
        completion = stream.get_final_completion()
    assert [len(choice.message.tool_calls) for choice in completion.choices] == [2, 2]
    first, second = (choice.message.tool_calls[0].function for choice in completion.choices)
    assert first.name == second.name and first.arguments == second.arguments
