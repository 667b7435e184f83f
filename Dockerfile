# The production image; docker-compose.yml shows what runs beside it.
FROM python:3.12-slim AS build
WORKDIR /app
ENV UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1
COPY requirements-uv.txt requirements.txt ./
RUN python -m venv /venv \
    && pip install --no-cache-dir --require-hashes -r requirements-uv.txt \
    && uv pip install --no-cache --python /venv/bin/python --require-hashes -r requirements.txt

FROM python:3.12-slim
RUN useradd --system --create-home --uid 10001 support \
    && mkdir -p /data && chown support /data
WORKDIR /app
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 DATA_DIR=/data DEBUG=0
COPY --from=build /venv /venv
COPY . .
# collectstatic needs settings but none of their secrets: these values end with this line.
RUN SECRET_KEY=collectstatic-needs-one-but-never-uses-it ALLOWED_HOSTS=localhost DATABASE_URL=sqlite:////tmp/none \
    WEBHOOK_SECRET_KEY=collectstatic-needs-one-but-never-uses-it DATA_DIR=/tmp python manage.py collectstatic --noinput
RUN python -m compileall -q .
USER support
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/health/live', timeout=4)"]
CMD ["python", "-m", "supportsite.web", "--host", "0.0.0.0", "--port", "8000"]
