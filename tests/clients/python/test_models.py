"""Models are listed and retrieved with the SDK, whatever their ids look like."""

import json
import subprocess
from urllib.parse import quote

import pytest

from gateway import BINARY, ROOT, Gateway, official_sdk

openai = official_sdk()

ARN = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/ab12cd34ef56"
ALIASES = f"""
[[models]]
id = "team/claude:latest"
targets = ["us.anthropic.claude-sonnet-4-5-20250929-v1:0"]
max_tokens = 16000

[[models]]
id = "{ARN}"
base_model = "amazon.nova-pro-v1:0"
"""


@pytest.fixture(scope="module")
def aliases(tmp_path_factory):
    """A client of a gateway with two models of its own."""
    file = tmp_path_factory.mktemp("outcrop") / "outcrop.toml"
    file.write_text(ALIASES)
    with Gateway(speed=0, variables={"OUTCROP_CONFIG": str(file)}) as gateway:
        yield openai.OpenAI(base_url=gateway.base_url, api_key="unused", max_retries=0)


def test_every_recording_is_listed(client):
    models = {model.id: model for model in client.models.list()}
    model = models["replay.short-text"]
    assert (model.object, model.owned_by) == ("model", "anthropic")
    assert isinstance(model.created, int)
    # What OpenAI's object lacks.
    assert (model.context_window, model.max_tokens, model.max_output_tokens) == (200_000, 64_000, 64_000)
    assert model.input_modalities == ["text", "image", "file"]
    assert model.reasoning and model.tools
    assert model.cost["output"] > model.cost["input"] > 0


def test_aliases_come_first_with_the_facts_of_their_targets(aliases):
    first, second, *others = aliases.models.list()
    assert (first.id, first.owned_by, first.max_tokens) == ("team/claude:latest", "anthropic", 16_000)
    assert (second.id, second.owned_by, second.context_window) == (ARN, "amazon", 300_000)
    assert "replay.short-text" in {model.id for model in others}


@pytest.mark.parametrize("name", ["replay.short-text", "amazon.nova-lite-v1:0", "team/claude:latest", ARN])
def test_an_id_is_found_however_it_is_written(aliases, name):
    # The SDK encodes slashes and leaves colons as they are.
    assert aliases.models.retrieve(name).id == name
    for path in [name, quote(name, safe="")]:
        assert aliases.get(f"/models/{path}", cast_to=openai.types.Model).id == name


@pytest.mark.parametrize("name", ["gpt-5", "replay.no-such-recording", "team/claude", "a/b:c"])
def test_an_id_that_is_not_listed(client, name):
    with pytest.raises(openai.NotFoundError) as raised:
        client.models.retrieve(name)
    error = raised.value
    assert (error.status_code, error.type, error.code, error.param) == (404, "invalid_request_error", "model_not_found", "model")
    assert name in error.message


def test_a_wrong_key(locked_gateway):
    client = openai.OpenAI(base_url=locked_gateway.base_url, api_key="sk-wrong", max_retries=0)
    for ask in [client.models.list, lambda: client.models.retrieve("replay.short-text")]:
        with pytest.raises(openai.AuthenticationError):
            ask()


def test_the_command_line_prints_the_same(client):
    command = [BINARY, "models", "--json", "--replay", ROOT / "fixtures"]
    printed = subprocess.run(command, env={}, capture_output=True, check=True, text=True)
    assert printed.stderr == ""
    assert json.loads(printed.stdout) == json.loads(client.models.with_raw_response.list().text)
