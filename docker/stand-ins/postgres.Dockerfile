# Debian's PostgreSQL, started the way the official image is: user from POSTGRES_USER, scripts from /docker-entrypoint-initdb.d.
FROM debian:bookworm-slim
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql && rm -rf /var/lib/apt/lists/*
ENV PATH=$PATH:/usr/lib/postgresql/15/bin PGDATA=/var/lib/postgresql/data
RUN install -d -o postgres -g postgres -m 700 "$PGDATA"
COPY postgres-entrypoint /usr/local/bin/
USER postgres
# The fast way to end, as the official image has it.
STOPSIGNAL SIGINT
ENTRYPOINT ["postgres-entrypoint"]
CMD ["postgres"]
