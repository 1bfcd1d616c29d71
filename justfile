# Shortcuts; `.ci/run` is what must pass, and needs none of them.

# List the recipes.
default:
    @just --list

# Format, lints, documentation and tests, as CI runs them; without the clients.
check: fmt-check lint doc test

fmt:
    cargo fmt

fmt-check:
    cargo fmt --check

lint:
    cargo clippy --all-targets --locked -- -D warnings

doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --locked

test *arguments:
    cargo test --locked {{arguments}}

# The gateway in front of the recordings.
run *arguments:
    cargo run --release -- serve --replay fixtures {{arguments}}

# Everything, the OpenAI SDKs for Python and Node and OpenClaw included.
ci:
    bash .ci/run

# What a request through the gateway takes longer than without it.
first-byte *arguments:
    cargo run --release --example first_byte -- {{arguments}}
