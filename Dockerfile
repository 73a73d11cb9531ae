# The viewer as a container: see docs/deploying.md. BASE is any image of Debian or Ubuntu that has python3.11 with venv.
# TORCH_INDEX is the index that has the build of torch for the machine, such as the one without CUDA; left out, pip's
# own, whose build brings its CUDA packages along.
ARG BASE=python:3.11-slim-bookworm
FROM ${BASE} AS build
ARG TORCH_INDEX
WORKDIR /source
COPY requirements.txt pyproject.toml setup.py README.md LICENSE ./
RUN python3.11 -m venv /opt/viewer \
 && /opt/viewer/bin/pip install --no-cache-dir ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} "$(grep '^torch==' requirements.txt)" \
 && /opt/viewer/bin/pip install --no-cache-dir -r requirements.txt "streamlit[auth]"
COPY app app
COPY nonlocal_core nonlocal_core
COPY pretrained pretrained
ENV NONLOCAL_CACHE=/cache
RUN /opt/viewer/bin/pip install --no-cache-dir --no-deps . \
 && /opt/viewer/bin/python -P -m nonlocal_core.app.server.prepare

FROM ${BASE}
COPY --from=build /opt/viewer /opt/viewer
RUN useradd --create-home --uid 1000 viewer
COPY --from=build --chown=1000:1000 /cache /cache
USER 1000
WORKDIR /home/viewer
# Only /cache and /tmp are written to, so the rest may be mounted for reading alone. Streamlit's welcome would ask a
# service outside for the number of this machine, and keep everybody waiting where there is no way out.
ENV NONLOCAL_CACHE=/cache \
    PYTHONDONTWRITEBYTECODE=1 \
    STREAMLIT_LOGGER_HIDE_WELCOME_MESSAGE=true \
    STREAMLIT_SERVER_ADDRESS=0.0.0.0 \
    STREAMLIT_SERVER_HEADLESS=true
VOLUME /cache
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
  CMD ["/opt/viewer/bin/python", "-P", "-m", "nonlocal_core.app.server.health", "1"]
ENTRYPOINT ["/opt/viewer/bin/nonlocal-viewer"]
CMD ["--no-browser"]
