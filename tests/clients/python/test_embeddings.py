"""Embeddings through the official SDK, which asks for base64 unless it is told otherwise."""

import math

import pytest

from gateway import official_sdk

openai = official_sdk()

TITAN = "amazon.titan-embed-text-v2:0"
MODELS = {
    "amazon.titan-embed-text-v1": 1536,
    TITAN: 1024,
    "cohere.embed-english-v3": 1024,
    "cohere.embed-multilingual-v3": 1024,
    "us.cohere.embed-v4:0": 1536,
    "amazon.nova-2-multimodal-embeddings-v1:0": 3072,
}


def embed(client, model, texts, **more):
    return client.embeddings.create(model=model, input=texts, **more)


def similarity(one, other):
    return sum(a * b for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize(("model", "length"), MODELS.items())
def test_every_model_embeds_one_text(client, model, length):
    answer = embed(client, model, "What is an outcrop?")
    assert (answer.object, answer.model) == ("list", model)
    assert answer.usage.prompt_tokens == answer.usage.total_tokens == 5
    [only] = answer.data
    assert (only.object, only.index, len(only.embedding)) == ("embedding", 0, length)
    assert math.isclose(similarity(only.embedding, only.embedding), 1, rel_tol=1e-4)


@pytest.mark.parametrize("model", MODELS)
def test_many_texts_keep_their_order(client, model):
    texts = [f"text {number}" for number in range(100)]
    answer = embed(client, model, texts)
    assert [item.index for item in answer.data] == list(range(100))
    assert answer.data[97].embedding == embed(client, model, texts[97]).data[0].embedding
    assert answer.usage.prompt_tokens == 200


def test_floats_are_the_same_numbers(client):
    packed = embed(client, TITAN, ["one", "two"])
    plain = embed(client, TITAN, ["one", "two"], encoding_format="float")
    for one, other in zip(packed.data, plain.data, strict=True):
        assert one.embedding == pytest.approx(other.embedding, rel=1e-6, abs=1e-12)
    raw = client.embeddings.with_raw_response.create(model=TITAN, input="one", encoding_format="base64")
    assert isinstance(raw.http_response.json()["data"][0]["embedding"], str)
    assert raw.headers["x-outcrop-attempts"] == "1"


@pytest.mark.parametrize("dimensions", [256, 512, 1024])
def test_dimensions(client, dimensions):
    answer = embed(client, TITAN, "one", dimensions=dimensions)
    assert len(answer.data[0].embedding) == dimensions


def test_a_recorded_embedding(client):
    answer = embed(client, "replay.embedding-titan", "What is an outcrop?", dimensions=256)
    assert answer.usage.prompt_tokens == 6
    assert len(answer.data[0].embedding) == 256


def test_a_search_finds_the_text_that_shares_its_words(client):
    notes = ["The red key is in the kitchen.", "Bananas ripen quickly.", "Paris was rainy."]
    documents = embed(client, "us.cohere.embed-v4:0", notes, extra_body={"input_type": "passage"})
    query = embed(client, "us.cohere.embed-v4:0", "where is the key", extra_body={"input_type": "query"})
    wanted = query.data[0].embedding
    best = max(documents.data, key=lambda item: similarity(item.embedding, wanted))
    assert notes[best.index] == notes[0]


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"dimensions": 300}, "dimensions"),
        ({"input": [1, 2, 3]}, "input"),
        ({"input": [[1, 2], [3]]}, "input"),
        ({"input": ["a", ""]}, "input[1]"),
        ({"extra_body": {"input_type": "poem"}}, "input_type"),
    ],
)
def test_what_cannot_be_embedded_names_its_param(client, more, param):
    with pytest.raises(openai.BadRequestError) as raised:
        client.embeddings.create(**{"model": TITAN, "input": "a", **more})
    assert (raised.value.type, raised.value.param) == ("invalid_request_error", param)


def test_failures_are_the_sdks_own_types(client):
    with pytest.raises(openai.RateLimitError) as raised:
        embed(client, "replay.embedding-throttled", "a")
    assert raised.value.code == "rate_limit_exceeded"
    with pytest.raises(openai.BadRequestError) as raised:
        embed(client, "replay.embedding-too-long", "a")
    assert raised.value.code == "context_length_exceeded"
    with pytest.raises(openai.BadRequestError) as raised:
        embed(client, "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "a")
    assert raised.value.param == "model"
    with pytest.raises(openai.NotFoundError) as raised:
        embed(client, "text-embedding-3-small", "a")
    assert raised.value.code == "model_not_found"
