"""Every class of error is raised as the SDK's own type for it."""

import pytest

from gateway import Gateway, official_sdk

openai = official_sdk()

QUESTION = [{"role": "user", "content": "What is an outcrop?"}]
either = pytest.mark.parametrize("stream", [False, True])


def ask(client, name="short-text", **more):
    answer = client.chat.completions.create(model=f"replay.{name}", messages=QUESTION, **more)
    return list(answer) if more.get("stream") else answer


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("n", 9),
        ("logprobs", True),
        ("temperature", 3),
        ("modalities", ["text", "audio"]),
        ("tool_choice", "required"),
    ],
)
@either
def test_what_cannot_be_honoured_names_its_param(client, member, value, stream):
    with pytest.raises(openai.BadRequestError) as raised:
        ask(client, **{member: value}, stream=stream)
    error = raised.value
    assert (error.status_code, error.type, error.param) == (400, "invalid_request_error", member)
    assert error.request_id.startswith("req_")


def test_a_param_is_a_path(client):
    messages = [*QUESTION, {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x.example/a.png"}}]}]
    with pytest.raises(openai.BadRequestError) as raised:
        client.chat.completions.create(model="replay.short-text", messages=messages)
    assert raised.value.param == "messages[1].content[0].image_url.url"


@pytest.mark.parametrize("name", ["error-context-length", "error-input-too-long"])
@either
def test_a_prompt_that_is_too_long(client, name, stream):
    with pytest.raises(openai.BadRequestError) as raised:
        ask(client, name, stream=stream)
    assert raised.value.code == "context_length_exceeded"
    assert "maximum context length is" in raised.value.message
    assert "prompt is too long" in raised.value.message


@pytest.mark.parametrize("key", ["sk-wrong", "sk-firs", "sk-first,sk-second"])
def test_a_wrong_key(locked_gateway, key):
    client = openai.OpenAI(base_url=locked_gateway.base_url, api_key=key, max_retries=0)
    with pytest.raises(openai.AuthenticationError) as raised:
        ask(client)
    assert (raised.value.status_code, raised.value.code) == (401, "invalid_api_key")


@pytest.mark.parametrize("key", ["sk-first", "sk-second"])
def test_a_right_key(locked_gateway, key):
    client = openai.OpenAI(base_url=locked_gateway.base_url, api_key=key, max_retries=0)
    assert ask(client).choices[0].finish_reason == "stop"


def test_a_web_page_without_a_key(client):
    with pytest.raises(openai.PermissionDeniedError) as raised:
        ask(client, extra_headers={"origin": "https://page.example"})
    assert raised.value.code == "forbidden_origin"


@pytest.mark.parametrize(
    "name", ["no-such-recording", "error-unknown-model", "error-access-denied", "error-resource-not-found"]
)
@either
def test_a_model_that_is_not_there(client, name, stream):
    with pytest.raises(openai.NotFoundError) as raised:
        ask(client, name, stream=stream)
    assert raised.value.code == "model_not_found"


def test_a_model_that_only_profiles_lead_to(client):
    # Its foundation model is listed with other profiles, one of which answers instead.
    raw = client.chat.completions.with_raw_response.create(model="replay.error-on-demand", messages=QUESTION)
    assert raw.headers["x-outcrop-adjusted"] == "model=inference_profile"
    assert raw.parse().model == "replay.error-on-demand"


@either
def test_profiles_that_may_not_be_chosen_are_named(stream):
    with Gateway(speed=0, variables={"OUTCROP_BEDROCK_AUTO_PROFILE": "false"}) as gateway:
        client = openai.OpenAI(base_url=gateway.base_url, api_key="unused", max_retries=0)
        with pytest.raises(openai.NotFoundError) as raised:
            ask(client, "error-on-demand", stream=stream)
    assert raised.value.code == "model_not_found"
    assert "replay.cached-usage" in raised.value.message


def test_a_path_that_is_not_there(client):
    with pytest.raises(openai.NotFoundError) as raised:
        client.moderations.create(input="x")
    assert raised.value.code == "unknown_url"


@pytest.mark.parametrize("name", ["throttled", "throttled-in-first-message", "error-throttled-untyped"])
@either
def test_throttling_is_told_after_it_was_repeated(client, name, stream):
    with pytest.raises(openai.RateLimitError) as raised:
        ask(client, name, stream=stream)
    error = raised.value
    assert (error.status_code, error.code) == (429, "rate_limit_exceeded")
    assert "Rate limit" in error.message
    assert error.response.headers["x-outcrop-attempts"] == "3"
    assert int(error.response.headers["retry-after"]) > 0


def test_a_quota_that_is_used_up_is_not_worth_repeating(client):
    with pytest.raises(openai.RateLimitError) as raised:
        ask(client, "error-throttled-daily")
    assert raised.value.code == "insufficient_quota"
    assert raised.value.response.headers["x-should-retry"] == "false"
    assert raised.value.response.headers["x-outcrop-attempts"] == "1"


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("error-internal-server", 500, None),
        ("error-model-error", 502, "model_error"),
        ("error-expired-token", 502, "upstream_auth"),
        ("error-service-unavailable", 503, "overloaded"),
        ("error-model-not-ready", 503, "model_not_ready"),
        ("error-model-timeout", 504, "model_timeout"),
    ],
)
@either
def test_failures_of_the_other_side(client, name, status, code, stream):
    with pytest.raises(openai.InternalServerError) as raised:
        ask(client, name, stream=stream)
    assert (raised.value.status_code, raised.value.code) == (status, code)


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("exception-in-mid-stream", None, "model_error"),
        ("exception-unavailable-in-mid-stream", None, "overloaded"),
        ("connection-reset", "The line goes dead now", "upstream_stream_error"),
        ("connection-truncated", None, "upstream_stream_error"),
        ("ended-before-message-stop", None, "upstream_stream_error"),
    ],
)
def test_a_failure_in_mid_stream_is_raised_after_what_came_before_it(client, name, text, code):
    pieces, ends = [], []
    with pytest.raises(openai.APIError) as raised:
        for chunk in client.chat.completions.create(model=f"replay.{name}", messages=QUESTION, stream=True):
            pieces.append(chunk.choices[0].delta.content or "")
            ends.append(chunk.choices[0].finish_reason)
    # A status would mean that the answer had not begun.
    assert not isinstance(raised.value, openai.APIStatusError)
    assert raised.value.code == code
    assert "".join(pieces) == text if text else "".join(pieces) != ""
    assert set(ends) == {None}
