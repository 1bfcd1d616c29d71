"""Answers as text: whole, streamed, long, in every script, about an image."""

import asyncio

import pytest

from gateway import official_sdk

openai = official_sdk()

OUTCROP = "An outcrop is where bedrock comes to the surface."
QUESTION = [{"role": "user", "content": "What is an outcrop?"}]
# A PNG of one red pixel.
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/iZk9HQAAAABJRU5ErkJggg=="
)


def streamed(client, model, **more):
    return list(client.chat.completions.create(model=model, messages=QUESTION, stream=True, **more))


def text_of(chunks):
    return "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)


def test_a_plain_answer(client):
    completion = client.chat.completions.create(model="replay.short-text", messages=QUESTION)
    [choice] = completion.choices
    assert completion.object == "chat.completion"
    assert completion.model == "replay.short-text"
    assert completion.id.startswith("chatcmpl-")
    assert (choice.index, choice.finish_reason) == (0, "stop")
    assert (choice.message.role, choice.message.content) == ("assistant", OUTCROP)
    assert choice.message.tool_calls is None
    usage = completion.usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (14, 15, 29)


def test_the_model_may_be_named_as_aws_names_it(client):
    model = "eu.anthropic.claude-haiku-4-5-20251001-v1:0"
    completion = client.chat.completions.create(model=model, messages=QUESTION)
    assert completion.model == model
    assert completion.choices[0].message.content == OUTCROP


def test_a_streamed_answer(client):
    chunks = streamed(client, "replay.short-text")
    assert text_of(chunks) == OUTCROP
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices[0].finish_reason] == ["stop"]
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert all(chunk.usage is None for chunk in chunks)
    assert len({(chunk.id, chunk.created, chunk.model, chunk.object) for chunk in chunks}) == 1
    assert chunks[0].object == "chat.completion.chunk"


def test_a_streamed_answer_with_usage(client):
    chunks = streamed(client, "replay.short-text", stream_options={"include_usage": True})
    assert text_of(chunks) == OUTCROP
    assert [chunk.choices for chunk in chunks if chunk.usage] == [[]]
    usage = chunks[-1].usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (14, 15, 29)


def test_tokens_of_the_cache_are_prompt_tokens(client):
    whole = client.chat.completions.create(model="replay.cached-usage", messages=QUESTION).usage
    last = streamed(client, "replay.cached-usage", stream_options={"include_usage": True})[-1].usage
    assert whole == last
    assert 0 < whole.prompt_tokens_details.cached_tokens < whole.prompt_tokens
    assert whole.total_tokens == whole.prompt_tokens + whole.completion_tokens


def test_the_stream_helper(client):
    with client.chat.completions.stream(model="replay.short-text", messages=QUESTION) as stream:
        pieces = [event.delta for event in stream if event.type == "content.delta"]
        completion = stream.get_final_completion()
    assert "".join(pieces) == OUTCROP
    assert len(pieces) == 10
    assert completion.choices[0].message.content == OUTCROP


def test_the_asynchronous_client(gateway):
    async def ask():
        async with openai.AsyncOpenAI(base_url=gateway.base_url, api_key="unused", max_retries=0) as client:
            request = {"model": "replay.short-text", "messages": QUESTION}
            stream = await client.chat.completions.create(**request, stream=True)
            chunks = [chunk async for chunk in stream]
            whole = await asyncio.gather(*(client.chat.completions.create(**request) for _ in range(20)))
            return chunks, whole

    chunks, whole = asyncio.run(ask())
    assert text_of(chunks) == OUTCROP
    assert {completion.choices[0].message.content for completion in whole} == {OUTCROP}


def test_every_script_arrives_as_it_was_written(client):
    whole = client.chat.completions.create(model="replay.unicode-text", messages=QUESTION).choices[0].message.content
    assert text_of(streamed(client, "replay.unicode-text")) == whole
    for piece in ["おはよう", "👩‍", "\\", '"', "\t", "\n"]:
        assert piece in whole, piece


def test_a_thousand_pieces_arrive_as_a_thousand_chunks(client):
    chunks = streamed(client, "replay.long-text")
    pieces = [chunk for chunk in chunks if chunk.choices and chunk.choices[0].delta.content]
    assert len(pieces) >= 1000
    whole = client.chat.completions.create(model="replay.long-text", messages=QUESTION)
    assert text_of(chunks) == whole.choices[0].message.content


@pytest.mark.parametrize("stream", [False, True])
def test_an_image_by_data_url(client, stream):
    content = [
        {"type": "text", "text": "Which colour is this?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}},
    ]
    answer = client.chat.completions.create(
        model="replay.image-question", messages=[{"role": "user", "content": content}], stream=stream
    )
    text = text_of(answer) if stream else answer.choices[0].message.content
    assert text == "The picture is a single red pixel."


@pytest.mark.parametrize(
    ("name", "finish_reason"),
    [("max-tokens", "length"), ("stop-sequence", "stop"), ("guardrail-intervened", "content_filter")],
)
def test_the_reason_for_the_end(client, name, finish_reason):
    whole = client.chat.completions.create(model=f"replay.{name}", messages=QUESTION).choices[0]
    chunks = streamed(client, f"replay.{name}")
    assert whole.finish_reason == chunks[-1].choices[0].finish_reason == finish_reason
    assert text_of(chunks) == whole.message.content != ""


def test_what_a_long_conversation_may_hold(client):
    completion = client.chat.completions.create(
        model="replay.short-text",
        messages=[
            {"role": "system", "content": "You are brief."},
            {"role": "developer", "content": [{"type": "text", "text": "Speak of rocks."}]},
            {"role": "user", "content": "Hello."},
            {"role": "assistant", "content": "Hello. What do you want to know?"},
            {"role": "user", "name": "ann", "content": "What is an outcrop?"},
            {"role": "user", "content": [{"type": "text", "text": "In one sentence."}]},
        ],
        max_completion_tokens=100,
        temperature=0.3,
        stop=["\n\n"],
        user="ann",
    )
    assert completion.choices[0].message.content == OUTCROP


def test_what_has_no_effect_is_named(client):
    answer = client.chat.completions.with_raw_response.create(
        model="replay.short-text", messages=QUESTION, seed=7, logit_bias={"50": 10}, temperature=1.5
    )
    # In the order in which the SDK writes them.
    assert answer.headers["x-outcrop-ignored"] == "logit_bias, seed"
    assert answer.headers["x-outcrop-adjusted"] == "temperature=1"
    assert answer.headers["x-outcrop-attempts"] == "1"
    assert answer.parse().choices[0].message.content == OUTCROP


def test_the_request_id_is_surfaced(client):
    completion = client.chat.completions.create(model="replay.short-text", messages=QUESTION)
    assert completion._request_id.startswith("req_")
    own = client.chat.completions.create(
        model="replay.short-text", messages=QUESTION, extra_headers={"x-request-id": "trace-7"}
    )
    assert own._request_id == "trace-7"
