"""Dockerfile and docker-compose.yml, without an engine: they parse, every path in them is there, and what the
containers would run is run by hand."""

import base64
import fnmatch
import json
import os
import re
import shutil
import subprocess

import pytest
import yaml

from gateway import BINARY, PATIENCE, ROOT

COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
IGNORED = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]


def instructions():
    """The Dockerfile as pairs of instruction and argument, one list for each stage."""
    text = (ROOT / "Dockerfile").read_text()
    text = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ")
    stages = []
    for line in filter(None, map(str.strip, text.splitlines())):
        name, argument = line.split(maxsplit=1)
        if name == "FROM":
            stages.append([])
        stages[-1].append((name, argument))
    return stages


BUILD, FINAL = instructions()
ENV = dict(argument.split("=", 1) for name, argument in FINAL if name == "ENV")


def outcrop(arguments, variables):
    """Runs the binary to its end. `/fixtures` of the image are the repository's."""
    arguments = [str(ROOT / "fixtures") if argument == "/fixtures" else argument for argument in arguments]
    environment = {"PATH": os.environ["PATH"], **variables}
    return subprocess.run([BINARY, *arguments], env=environment, capture_output=True, text=True, timeout=PATIENCE)


def sent_to_the_engine(path):
    """Whether .dockerignore lets a path through: its last rule that matches decides."""
    sent = True
    for rule in IGNORED:
        pattern = rule.removeprefix("!")
        if any(fnmatch.fnmatch(part, pattern) for part in (path, *parents(path))):
            sent = rule.startswith("!")
    return sent


def parents(path):
    while "/" in path:
        path = path.rsplit("/", 1)[0]
        yield path


def test_every_stage_starts_from_a_pinned_image_of_the_same_debian():
    images = [argument.split()[0] for (name, argument), *_ in (BUILD, FINAL)]
    toolchain = re.search(r'channel = "(.+)"', (ROOT / "rust-toolchain.toml").read_text())[1]
    assert images[0] == f"rust:{toolchain}-slim-bookworm"
    assert images[1] == "debian:bookworm-slim"


def test_what_is_sent_to_the_engine_can_be_built(tmp_path):
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    sent = [path for path in tracked.splitlines() if sent_to_the_engine(path)]
    assert {"Cargo.toml", "Cargo.lock", "src/main.rs", "fixtures/streams/short-text.jsonl"} <= set(sent)
    assert not any(path.startswith((".git", "tests/clients", "rust-toolchain")) for path in sent)
    for path in sent:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / path, tmp_path / path)
    # Fails for a target of the manifest whose file was not sent.
    command = ["cargo", "metadata", "--no-deps", "--offline", "--format-version=1"]
    metadata = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    targets = [target for package in json.loads(metadata)["packages"] for target in package["targets"]]
    assert "bin" in [kind for target in targets for kind in target["kind"]]


def test_the_final_image_holds_what_it_runs_and_no_root():
    copied = [argument.split() for name, argument in FINAL if name == "COPY"]
    assert copied == [
        ["--from=build", "/build/target/release/outcrop", "/usr/local/bin/outcrop"],
        ["fixtures", "/fixtures"],
    ]
    last = dict(FINAL)
    assert last["USER"] == "outcrop"
    assert re.search(r"useradd .*--create-home .* outcrop ", last["RUN"])
    assert json.loads(last["ENTRYPOINT"]) == ["outcrop"]
    assert f"127.0.0.1:{last['EXPOSE']}:{last['EXPOSE']}" in SERVICES["stand-in"]["ports"]
    assert ENV["OUTCROP_LISTEN"].endswith(f":{last['EXPOSE']}")


def test_the_health_check_tells_a_gateway_that_is_up(gateway):
    command = json.loads(re.search(r"CMD (\[.*\])", dict(FINAL)["HEALTHCHECK"])[1])
    address = gateway.address.removeprefix("http://").replace(":", "/")
    check = [part.replace("127.0.0.1/4000", address) for part in command]
    assert check != command
    assert subprocess.run(check, timeout=PATIENCE).returncode == 0
    nobody = [part.replace("127.0.0.1/4000", "127.0.0.1/1") for part in command]
    assert subprocess.run(nobody, timeout=PATIENCE, stderr=subprocess.DEVNULL).returncode != 0
    wrong = [part.replace("/health", "/nothing") for part in check]
    assert subprocess.run(wrong, timeout=PATIENCE, stdout=subprocess.DEVNULL).returncode != 0


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_confined_and_published_on_loopback(name):
    service = SERVICES[name]
    assert service["ports"] == ["127.0.0.1:4000:4000"]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert int(service["stop_grace_period"].removesuffix("s")) > 30


def test_the_stand_in_is_what_starts_by_default():
    assert [name for name, service in SERVICES.items() if "profiles" not in service] == ["stand-in"]
    assert SERVICES["aws"]["profiles"] == ["aws"]


@pytest.mark.parametrize("name", SERVICES)
def test_what_a_service_runs_is_understood(name):
    outcome = outcrop([*SERVICES[name]["command"], "--print-config"], ENV)
    assert outcome.returncode == 0, outcome.stderr
    assert '"0.0.0.0:4000"' in outcome.stdout


def test_the_stand_in_needs_the_flag_that_it_is_given():
    command = SERVICES["stand-in"]["command"]
    without = outcrop([argument for argument in command if argument != "--allow-anonymous"], ENV)
    assert without.returncode != 0
    assert "OUTCROP_API_KEY" in without.stderr


def test_real_aws_is_refused_without_a_key(tmp_path):
    aws = SERVICES["aws"]
    # Not set on the host, it is not set in the container.
    assert aws["environment"]["OUTCROP_API_KEY"] is None
    nowhere = {**ENV, "OUTCROP_KEYS_STORE": f"sqlite:{tmp_path}/keys.db"}
    outcome = outcrop(aws["command"], nowhere)
    assert outcome.returncode != 0
    assert "OUTCROP_API_KEY" in outcome.stderr


def test_the_profile_is_mounted_where_it_is_looked_for():
    aws = SERVICES["aws"]
    mount, _ = aws["volumes"]
    source, target, mode = mount.rsplit(":", 2)
    assert (source, target, mode) == ("${HOME}/.aws", f"{aws['environment']['HOME']}/.aws", "ro")


def test_keys_outlive_the_container():
    volume, folder = SERVICES["aws"]["volumes"][1].split(":")
    assert volume in COMPOSE["volumes"]
    assert ENV["OUTCROP_KEYS_STORE"].startswith(f"sqlite:{folder}/")
    assert f"install --directory --mode 1777 {folder}" in dict(FINAL)["RUN"]


def test_what_the_host_has_set_is_passed_on_as_it_is():
    passed = {name for name, value in SERVICES["aws"]["environment"].items() if value is None}
    aws = {name for name in passed if name.startswith("AWS_")}
    assert {"AWS_REGION", "AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"} <= aws
    assert passed - aws == {"OUTCROP_API_KEY", "OUTCROP_STATE_KEY"}


def test_the_state_key_that_is_passed_on_counts():
    command = [*SERVICES["aws"]["command"], "--print-config"]
    key = base64.b64encode(bytes(range(32))).decode()
    outcome = outcrop(command, {**ENV, "OUTCROP_STATE_KEY": key})
    assert outcome.returncode == 0, outcome.stderr
    assert "1 state key, hidden" in outcome.stdout
    assert key not in outcome.stdout + outcome.stderr
    # Set on the host, but blank: as if it were not set.
    blank = outcrop(command, {**ENV, "OUTCROP_STATE_KEY": ""})
    assert blank.returncode == 0, blank.stderr
    assert "A random state key" in blank.stdout
    wrong = outcrop(command, {**ENV, "OUTCROP_STATE_KEY": key[:-4]})
    assert wrong.returncode != 0
    assert "openssl rand -base64 32" in wrong.stderr
