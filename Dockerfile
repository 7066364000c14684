# The image of pods, workers and migrations: an interpreter and Whatchat, without a system around.
#
#   docker build -t whatchat .
#   docker run -p 8000:8000 -v whatchat:/data whatchat
#
# PYTHON_IMAGE is any Debian with Python 3.11 or later and its venv module; nothing is installed
# there. What is taken out of it is found by asking its loader, so that any version will do.
ARG PYTHON_IMAGE=python:3.13.15-slim-trixie

FROM ${PYTHON_IMAGE} AS builder
# A file of certificates, for those whose proxy ends TLS.
ARG PIP_CERT
# Seconds since 1970 that every file in the image is from.
ARG SOURCE_DATE_EPOCH
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
RUN python3 -m venv tools
COPY .ci/requirements.txt ./
# No hash, no download; and no compiler: each library has a wheel.
RUN tools/bin/pip download --quiet --require-hashes --only-binary :all: \
        --requirement requirements.txt --dest wheels
COPY LICENSE README.md pyproject.toml ./
COPY src src
# The build backend is one of those downloads, and stays behind.
RUN tools/bin/pip install --quiet --no-index --find-links wheels hatchling && \
    tools/bin/pip wheel --quiet --no-index --no-deps --no-build-isolation --wheel-dir wheels . && \
    python3 -m venv --without-pip /opt/whatchat && \
    tools/bin/pip --python /opt/whatchat/bin/python install --quiet --no-index --no-compile \
        --find-links wheels whatchat
COPY .ci/image/root.py ./
RUN python3 root.py /image /opt/whatchat

# Whatever base was given: an image that lacks something ends here, and not in a cluster.
FROM scratch AS proven
COPY --from=builder /image/system /image/libraries /image/product /
COPY --from=builder /image/state /state
COPY .ci/image/proof.py /
USER 10001:10001
RUN ["/opt/whatchat/bin/python", "-B", "-W", "error", "/proof.py"]

# Load tests: the same, with Locust and what plays and draws; `docker build --target load`.
FROM builder AS load-builder
ARG PIP_CERT
ARG SOURCE_DATE_EPOCH
COPY .ci/requirements-load.txt ./
RUN tools/bin/pip download --quiet --require-hashes --only-binary :all: \
        --requirement requirements-load.txt --dest load && \
    tools/bin/pip --python /opt/whatchat/bin/python install --quiet --no-index --no-compile \
        --no-deps --find-links load --requirement requirements-load.txt
COPY loadtests/bench/frames.py /opt/load/loadtests/bench/
COPY loadtests/scenarios /opt/load/loadtests/scenarios
COPY loadtests/swarm /opt/load/loadtests/swarm
COPY loadtests/colours.py loadtests/job.py loadtests/seed.py /opt/load/loadtests/
RUN python3 root.py /load /opt/whatchat /opt/load

FROM scratch AS load-proven
COPY --from=load-builder /load/system /load/libraries /load/product /
COPY --from=load-builder /load/state /state
USER 10001:10001
WORKDIR /opt/load
ENV MPLCONFIGDIR=/tmp
RUN ["/opt/whatchat/bin/python", "-B", "-c", "import loadtests.job, loadtests.seed, loadtests.scenarios.pairs"]

FROM scratch AS load
COPY --from=load-builder /load/system /
COPY --from=load-builder /load/libraries /
COPY --from=load-builder /load/product /
COPY --from=load-proven --chown=10001:10001 /state /
ENV PATH=/opt/whatchat/bin \
    LANG=C.UTF-8 \
    MPLCONFIGDIR=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONPATH=/opt/load \
    PYTHONUNBUFFERED=1
USER 10001:10001
WORKDIR /opt/load
EXPOSE 5557 9646
STOPSIGNAL SIGTERM
ENTRYPOINT ["python", "-m"]
CMD ["loadtests.job", "--help"]

FROM scratch
# Each a layer, in the order of how seldom they change: an upgrade fetches the last, a few MB.
COPY --from=builder /image/system /
COPY --from=builder /image/libraries /
COPY --from=builder /image/product /
COPY --from=proven --chown=10001:10001 /state /
ENV PATH=/opt/whatchat/bin \
    LANG=C.UTF-8 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    WHATCHAT_INTERNAL_PORT=9000 \
    WHATCHAT_STORE_URL=sqlite:////data/whatchat.db
USER 10001:10001
WORKDIR /data
EXPOSE 8000 9000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
    CMD ["python", "-m", "whatchat.entrypoints.health"]
ENTRYPOINT ["whatchat"]
CMD ["serve", "--host", "0.0.0.0"]
ARG PYTHON_IMAGE
ARG VERSION
ARG REVISION
ARG SOURCE
LABEL org.opencontainers.image.title="Whatchat" \
      org.opencontainers.image.description="A privacy-first, real-time chat backend" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.base.name="${PYTHON_IMAGE}"
