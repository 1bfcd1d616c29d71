"""Documents and images as the SDK sends them, and what a client is told to do where they cannot be taken."""

import base64

import pytest

from gateway import official_sdk

openai = official_sdk()

# What checks a document looks at its first bytes.
PDF = base64.b64encode(b"%PDF-1.4\n%%EOF\n").decode()
OUTCROP = "An outcrop is where bedrock comes to the surface."


def ask(client, part, model="replay.short-text", **more):
    content = [{"type": "text", "text": "What does this show?"}, part]
    return client.chat.completions.create(model=model, messages=[{"role": "user", "content": content}], **more)


def refused(client, part, **more):
    with pytest.raises(openai.BadRequestError) as raised:
        ask(client, part, **more)
    return raised.value


def file(**members):
    return {"type": "file", "file": members}


@pytest.mark.parametrize("data", [PDF, f"data:application/pdf;base64,{PDF}"])
@pytest.mark.parametrize("stream", [False, True])
def test_a_document(client, data, stream):
    answer = ask(client, file(filename="Field trip (1999).pdf", file_data=data), stream=stream)
    if stream:
        answered = "".join(chunk.choices[0].delta.content or "" for chunk in answer)
    else:
        answered = answer.choices[0].message.content
    assert answered == OUTCROP


def test_an_image_by_address_tells_the_client_and_the_operator_what_to_do(client):
    part = {"type": "image_url", "image_url": {"url": "https://example.com/outcrop.png"}}
    error = refused(client, part)
    assert error.param == "messages[0].content[1].image_url.url"
    assert "data URL" in error.message
    assert "[fetch]" in error.message


def test_what_is_stored_elsewhere_is_to_be_sent(client):
    error = refused(client, file(file_id="file-1"))
    assert error.param == "messages[0].content[1].file.file_id"
    assert "file_data" in error.message


def test_a_format_that_bedrock_does_not_take(client):
    archive = base64.b64encode(b"PK\x05\x06" + bytes(18)).decode()
    error = refused(client, file(filename="outcrop.zip", file_data=archive))
    assert error.param == "messages[0].content[1].file.file_data"
    assert "pdf" in error.message


@pytest.mark.parametrize(
    ("part", "model"),
    [
        ({"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}, "replay.short-text"),
        ({"type": "video_url", "video_url": {"url": "data:video/mp4;base64,AAAA"}}, "replay.short-text"),
        ({"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}, "replay.mistral-text"),
    ],
)
def test_a_model_that_does_not_take_the_medium(client, part, model):
    error = refused(client, part, model=model)
    assert error.param == "messages[0].content[1]"
    assert error.message
