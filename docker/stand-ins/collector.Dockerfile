# The collector that scripts/collector builds.
FROM debian:bookworm-slim
COPY otelcol /usr/local/bin/
USER 10001
ENTRYPOINT ["otelcol"]
