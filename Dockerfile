# An image that follows the network into a store and reports on it: compose.yaml says how.
# It runs as nobody in particular, on a file system that it only reads; /data is all that it writes.
FROM python:3.12-slim AS build
ARG PREFIX=/opt/blueattr
WORKDIR /src
COPY requirements-run.lock ./
RUN python -m venv "$PREFIX" \
    && "$PREFIX/bin/python" -m pip install --quiet --no-cache-dir --disable-pip-version-check --require-hashes -r requirements-run.lock
COPY . .
RUN "$PREFIX/bin/python" -m pip install --quiet --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation . \
    && "$PREFIX/bin/blueattr" --version

FROM python:3.12-slim
COPY --from=build /opt/blueattr /opt/blueattr
RUN groupadd --gid 10001 blueattr \
    && useradd --uid 10001 --gid blueattr --home-dir /data --shell /usr/sbin/nologin blueattr \
    && install --directory --owner=blueattr --group=blueattr /data
# Compiled kernels are kept in /data, so that a restart does not compile them anew.
ENV PATH=/opt/blueattr/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    HOME=/data \
    NUMBA_CACHE_DIR=/data/kernels \
    BLUEATTR_DB=/data/network.duckdb
USER 10001:10001
WORKDIR /data
VOLUME /data
# Of a follower: ill once nothing new has come for ten minutes.
HEALTHCHECK --interval=5m --timeout=2m --start-period=10m --retries=2 \
    CMD ["blueattr", "status", "--max-lag", "10m", "--no-samples"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["blueattr"]
CMD ["ingest", "--quiet"]
