# Two stages: the first has a compiler, the second has the binary, certificates and the recordings.
FROM rust:1.95.0-slim-bookworm AS build
WORKDIR /build
# .dockerignore keeps out all that is not built, and rust-toolchain.toml: the image is the toolchain.
COPY . .
RUN cargo build --release --locked

FROM debian:bookworm-slim
# The folder of keys is writable for whatever user the container is given.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --create-home --shell /usr/sbin/nologin outcrop \
    && install --directory --mode 1777 /var/lib/outcrop
COPY --from=build /build/target/release/outcrop /usr/local/bin/outcrop
COPY fixtures /fixtures
# Inside a container loopback reaches nobody. Without a key the gateway refuses to start on this address, unless it is
# told --allow-anonymous.
ENV OUTCROP_LISTEN=0.0.0.0:4000
# Mount a volume here, or managed keys are gone with the container.
ENV OUTCROP_KEYS_STORE=sqlite:/var/lib/outcrop/keys.db
EXPOSE 4000
USER outcrop
# An outcrop.toml that is mounted here is read.
WORKDIR /home/outcrop
# The image has no curl, but bash can ask.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/4000 && printf 'GET /health HTTP/1.1\\r\\nhost: localhost\\r\\nconnection: close\\r\\n\\r\\n' >&3 && grep --quiet '^HTTP/1.1 200 ' <&3"]
ENTRYPOINT ["outcrop"]
CMD ["serve"]
