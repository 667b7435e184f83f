# The production image; docker-compose.yml and deploy/kubernetes show what runs beside it.
FROM python:3.12-slim AS build
WORKDIR /app
ENV UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1
COPY requirements-uv.txt requirements.txt ./
RUN python -m venv /uv \
    && /uv/bin/pip install --no-cache-dir --require-hashes -r requirements-uv.txt \
    && python -m venv --without-pip /venv \
    && /uv/bin/uv pip install --no-cache --python /venv/bin/python --require-hashes -r requirements.txt
ENV PATH=/venv/bin:$PATH DEBUG=0
COPY . .
# collectstatic needs settings but none of their secrets: these values end with this line.
RUN SECRET_KEY=collectstatic-needs-one-but-never-uses-it ALLOWED_HOSTS=localhost DATABASE_URL=sqlite:////tmp/none \
    WEBHOOK_SECRET_KEY=collectstatic-needs-one-but-never-uses-it DATA_DIR=/tmp python manage.py collectstatic --noinput \
    && python -m compileall -q .

# Everything here belongs to root and is only read; the site writes to /data and /tmp alone, so that the rest may be
# mounted read-only. A numeric user, because Kubernetes cannot tell of a name whether it is root.
FROM python:3.12-slim
RUN useradd --system --no-create-home --home-dir /tmp --uid 10001 support \
    && mkdir /data && chown support /data
WORKDIR /app
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 DATA_DIR=/data DEBUG=0
COPY --from=build /venv /venv
COPY --from=build /app /app
USER 10001
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/health/live', timeout=4)"]
CMD ["python", "-m", "supportsite.web", "--host", "0.0.0.0", "--port", "8000"]
