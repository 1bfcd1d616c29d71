"""What the SDK makes of managed keys: each refusal is its own error, and nothing is repeated in vain."""

import subprocess

import pytest

from gateway import BINARY, PATIENCE, Gateway, official_sdk

openai = official_sdk()

QUESTION = [{"role": "user", "content": "What is an outcrop?"}]


class Keys:
    """A store of keys, and a gateway that follows it."""

    def __init__(self, folder):
        self.store = f"sqlite:{folder / 'outcrop.db'}"
        self.run("create", "--name", "first")
        self.gateway = Gateway(speed=0, variables={"OUTCROP_KEYS_STORE": self.store, "OUTCROP_KEYS_EXPOSE_COST": "true"})

    def run(self, *arguments):
        command = [BINARY, "keys", *arguments, "--store", self.store]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=PATIENCE).stdout.strip()

    def client(self, key, **more):
        options = {"max_retries": 0, **more}
        return openai.OpenAI(base_url=self.gateway.base_url, api_key=key, **options)

    def new_client(self, name, *limits, **more):
        """A client with a new key, once the gateway knows it."""
        client = self.client(self.run("create", "--name", name, *limits), **more)
        self.wait_until(lambda: knows(client))
        return client

    @staticmethod
    def wait_until(condition):
        # Each question takes its time, so this does not spin; the suite as a whole is bounded.
        while not condition():
            pass


def knows(client):
    try:
        client.models.list()
    except openai.AuthenticationError:
        return False
    except openai.APIStatusError:
        return True
    return True


def ask(client, name="short-text", **more):
    answer = client.chat.completions.create(model=f"replay.{name}", messages=QUESTION, **more)
    return list(answer) if more.get("stream") else answer


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    keys = Keys(tmp_path_factory.mktemp("keys"))
    with keys.gateway:
        yield keys


def test_a_key_that_is_revoked_stops_working(keys):
    client = keys.new_client("stolen")
    assert ask(client).choices[0].message.content
    keys.run("revoke", "stolen")
    keys.wait_until(lambda: not knows(client))
    with pytest.raises(openai.AuthenticationError) as raised:
        ask(client)
    assert (raised.value.status_code, raised.value.code) == (401, "invalid_api_key")
    assert "revoked" in raised.value.message


def test_a_model_that_a_key_may_not_use_is_not_there(keys):
    client = keys.new_client("narrow", "--models", "replay.short-*")
    assert ask(client).choices[0].message.content
    with pytest.raises(openai.NotFoundError) as raised:
        ask(client, "long-text")
    assert (raised.value.code, raised.value.param) == ("model_not_found", "model")


def test_an_admin_key_cannot_ask_models(keys):
    client = keys.new_client("root", "--admin")
    with pytest.raises(openai.PermissionDeniedError) as raised:
        ask(client)
    assert raised.value.code == "insufficient_permissions"


def test_a_rate_limit_is_in_the_headers_and_then_an_error(keys):
    # One goes into finding out that the gateway knows the key.
    client = keys.new_client("slow", "--rpm", "2")
    answer = client.chat.completions.with_raw_response.create(model="replay.short-text", messages=QUESTION)
    assert answer.headers["x-ratelimit-limit-requests"] == "2"
    assert answer.headers["x-ratelimit-remaining-requests"] == "0"
    with pytest.raises(openai.RateLimitError) as raised:
        ask(client, stream=True)
    error = raised.value
    assert (error.type, error.code) == ("rate_limit_error", "rate_limit_exceeded")
    assert 1 <= int(error.response.headers["retry-after"]) <= 30


def test_the_sdk_waits_for_a_rate_limit_and_asks_again(keys):
    client = keys.new_client("patient", "--rpm", "30", max_retries=3).chat.completions.with_raw_response
    # Some requests pass before the limit is reached.
    while (answer := client.create(model="replay.short-text", messages=QUESTION)).retries_taken == 0:
        pass
    assert answer.retries_taken == 1
    assert answer.parse().choices[0].message.content


def test_a_spent_budget_is_an_error_that_the_sdk_does_not_repeat(keys):
    client = keys.new_client("poor", "--budget", "0.000001", "--per", "month", max_retries=5)
    with pytest.raises(openai.RateLimitError) as raised:
        ask(client)
    error = raised.value
    assert (error.type, error.code) == ("insufficient_quota", "insufficient_quota")
    assert "retry-after" not in error.response.headers
    assert error.response.request.headers["x-stainless-retry-count"] == "0"


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_says_what_it_cost(keys, stream):
    client = keys.client(keys.run("rotate", "first"))
    keys.wait_until(lambda: knows(client))
    if stream:
        usage = ask(client, stream=True, stream_options={"include_usage": True})[-1].usage
    else:
        usage = ask(client).usage
    assert usage.cost > 0
