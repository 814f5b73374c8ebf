# Apache Kafka from its jars (scripts/kafka gets them), configured by KAFKA_… variables as the official image is.
FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y -qq --no-install-recommends openjdk-17-jre-headless && rm -rf /var/lib/apt/lists/*
COPY jars /opt/kafka/libs
COPY kafka-entrypoint /usr/local/bin/
RUN useradd --uid 1000 kafka && install -d -o kafka -g kafka /var/lib/kafka/data /etc/kafka
USER kafka
ENTRYPOINT ["kafka-entrypoint"]
