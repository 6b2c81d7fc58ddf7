# The server over HTTP. Tokens come from a file that is mounted; rules, jobs, optimized weights and tables (in
# /data/tables) live in the volume.
#   docker build -t dp-tools .
#   docker run -p 8765:8765 -v dp-tools:/data -v ./tokens:/run/secrets/tokens:ro dp-tools --url https://dp.example.org
FROM python:3.12-slim AS build
RUN apt-get update && apt-get install --yes --no-install-recommends build-essential cmake ninja-build
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY dp_tools dp_tools
COPY knowledge knowledge
COPY examples examples
COPY install install
# Every processor of the last ten years: the image may run on another machine than it was built on.
ENV CMAKE_ARGS="-DGGML_NATIVE=OFF"
RUN python -m venv /opt/dp-tools && /opt/dp-tools/bin/python install/with_progress.py --no-cache-dir .

FROM python:3.12-slim
RUN apt-get update && apt-get install --yes --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 1000 dp && mkdir -p /data/tables && chown -R dp /data
COPY --from=build /opt/dp-tools /opt/dp-tools
USER dp
ENV XDG_DATA_HOME=/data XDG_STATE_HOME=/data/state XDG_CACHE_HOME=/data/cache
VOLUME /data
EXPOSE 8765
HEALTHCHECK CMD ["/opt/dp-tools/bin/python", "-c", \
    "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8765/health')"]
ENTRYPOINT ["/opt/dp-tools/bin/dp-tools", "serve", "--http", "0.0.0.0:8765", "--root", "/data/tables", \
    "--tokens", "/run/secrets/tokens"]
