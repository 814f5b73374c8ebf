# Debian's Prometheus where the official image has its data.
FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y -qq --no-install-recommends prometheus && rm -rf /var/lib/apt/lists/* \
    && install -d -o prometheus /prometheus
USER prometheus
WORKDIR /prometheus
ENTRYPOINT ["prometheus"]
