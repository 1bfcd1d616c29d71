"""Clients that leave: the gateway notices at once and stops the call."""

import asyncio

import pytest

from gateway import official_sdk

openai = official_sdk()

LONG = {"model": "replay.long-text", "messages": [{"role": "user", "content": "Go on."}]}
LEFT = r"outcrop::access.*error=\"?client_left"


def test_a_stream_that_is_closed(slow_gateway):
    client = openai.OpenAI(base_url=slow_gateway.base_url, api_key="unused", max_retries=0)
    stream = client.chat.completions.create(**LONG, stream=True)
    for _ in range(3):
        next(stream)
    assert slow_gateway.metric("outcrop_open_streams") == 1
    stream.close()
    slow_gateway.wait_for(LEFT)
    slow_gateway.wait_for_metric("outcrop_open_streams", 0)


def test_a_task_that_is_cancelled(slow_gateway):
    async def leave():
        async with openai.AsyncOpenAI(base_url=slow_gateway.base_url, api_key="unused", max_retries=0) as client:
            begun = asyncio.Event()

            async def read():
                async for _ in await client.chat.completions.create(**LONG, stream=True):
                    begun.set()

            task = asyncio.create_task(read())
            await begun.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            slow_gateway.wait_for(LEFT)

    asyncio.run(leave())
    slow_gateway.wait_for_metric("outcrop_open_streams", 0)


def test_a_whole_answer_that_is_not_waited_for(slow_gateway):
    client = openai.OpenAI(base_url=slow_gateway.base_url, api_key="unused", max_retries=0, timeout=0.2)
    with pytest.raises(openai.APITimeoutError):
        client.chat.completions.create(**LONG)
    slow_gateway.wait_for(r"outcrop::access.*status=499.*error=\"?client_left")


def test_the_next_client_is_served(slow_gateway):
    client = openai.OpenAI(base_url=slow_gateway.base_url, api_key="unused", max_retries=0)
    with client.chat.completions.create(**LONG, stream=True) as stream:
        next(stream)
    slow_gateway.wait_for(LEFT)
    answer = client.chat.completions.create(model="replay.short-text", messages=LONG["messages"])
    assert answer.choices[0].finish_reason == "stop"
