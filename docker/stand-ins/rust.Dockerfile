# The builder: the Rust toolchain of this machine where the official image has it, beside the packages of that image that a build
# could pick up, and the sources of all crates, so that cargo asks for nothing.
FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y -qq --no-install-recommends build-essential ca-certificates curl git libcurl4-openssl-dev \
        libkrb5-dev liblzma-dev libpq-dev libsqlite3-dev libssl-dev pkg-config zlib1g-dev && rm -rf /var/lib/apt/lists/*
COPY rust/toolchain /usr/local/rustup/toolchain
COPY rust/crates /usr/local/crates
COPY rust/config.toml /usr/local/cargo/config.toml
ENV CARGO_HOME=/usr/local/cargo CARGO_NET_OFFLINE=true PATH=/usr/local/rustup/toolchain/bin:$PATH
