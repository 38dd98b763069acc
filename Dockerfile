# syntax=docker/dockerfile:1
# The wheel is built in one stage and installed in another, which has no compiler, no sources and no root.
FROM python:3.12-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE CHANGELOG.md ./
COPY gateway ./gateway
COPY policies ./policies
COPY static ./static
RUN python -m venv /venv \
 && /venv/bin/pip install --no-cache-dir '.[server,email,stripe,pdf]'

FROM python:3.12-slim
LABEL org.opencontainers.image.title="Licet" \
      org.opencontainers.image.description="The gate that gets creators paid when machines read." \
      org.opencontainers.image.licenses="Apache-2.0"
RUN groupadd --gid 10402 licet \
 && useradd --uid 10402 --gid licet --no-create-home --home-dir /data --shell /usr/sbin/nologin licet \
 && install -d -o licet -g licet -m 0700 /data
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    LICET_DATA=/data \
    LICET_LISTEN_HOST=0.0.0.0
USER 10402:10402
VOLUME /data
# The site; the dashboard (8403) stays on loopback inside unless it is told otherwise.
EXPOSE 8402
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
  CMD ["python", "-c", "import os, socket; socket.create_connection(('127.0.0.1', int(os.environ.get('LICET_LISTEN_PORT', '8402'))), 3).close()"]
ENTRYPOINT ["licet"]
CMD ["serve"]
