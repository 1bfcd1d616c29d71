"""What all tests share: gateways, and clients that talk to them."""

import pytest

from gateway import Gateway, official_sdk


@pytest.fixture(scope="session")
def gateway():
    """A gateway that answers as fast as it can, without keys."""
    with Gateway(speed=0) as running:
        yield running


@pytest.fixture(scope="session")
def client(gateway):
    """A client that repeats nothing, so that each answer is what the gateway said."""
    return official_sdk().OpenAI(base_url=gateway.base_url, api_key="unused", max_retries=0)


@pytest.fixture
def slow_gateway():
    """A gateway that answers as slowly as it was recorded."""
    with Gateway(speed=1) as running:
        yield running


@pytest.fixture(scope="session")
def locked_gateway():
    """A gateway that wants one of two keys."""
    with Gateway(speed=0, variables={"OUTCROP_API_KEY": "sk-first,sk-second"}) as running:
        yield running
