# Jaeger all-in-one from its Go module, without the pages of its user interface.
FROM debian:bookworm-slim
COPY jaeger /usr/local/bin/
USER 10001
ENTRYPOINT ["jaeger"]
