# One image for every role: the argument says which (`up`, `serve order`, `gateway --shop`, `migrate`, …).
#
#   docker build -t bojagi .
#
# compiles it; with `--build-arg BINARY=given` the image takes target/release/bojagi as it is, which has to be made for the
# Debian of BASE.
ARG BUILDER=rust:1-bookworm
ARG BASE=debian:bookworm-slim
ARG BINARY=compiled

FROM ${BUILDER} AS compiled
WORKDIR /source
COPY . .
# TLS and SCRAM to Kafka belong into an image for production; OpenSSL is compiled for them.
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/source/target \
    cargo build --profile dist --locked -p bojagi --features kafka-tls && cp target/dist/bojagi /bojagi

FROM scratch AS given
COPY target/release/bojagi /bojagi

FROM ${BINARY} AS binary

FROM ${BASE}
# The authorities that mail and database servers are checked against.
RUN [ -e /etc/ssl/certs/ca-certificates.crt ] || \
    { apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*; }
RUN groupadd --gid 10001 bojagi && useradd --uid 10001 --gid bojagi --no-create-home --shell /usr/sbin/nologin bojagi \
    && install -d -o bojagi -g bojagi -m 700 /data
COPY --from=binary /bojagi /usr/local/bin/bojagi
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
ENTRYPOINT ["bojagi"]
CMD ["up", "--data", "/data", "--listen", "0.0.0.0:8080"]
