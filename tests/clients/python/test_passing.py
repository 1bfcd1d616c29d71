"""What is said to Bedrock and heard of it in Bedrock's own words."""

from gateway import official_sdk

openai = official_sdk()

QUESTION = [{"role": "user", "content": "What is an outcrop?"}]


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
