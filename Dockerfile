# Paper Round: web, worker, beat and every command in one image.
FROM python:3.12-slim AS packages
WORKDIR /opt/packages
COPY requirements/run.txt .
RUN python -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check \
        --require-hashes --only-binary :all: -r run.txt

FROM python:3.12-slim
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=newsletter.settings \
    PAPER_ROUND_VAR=/var/lib/paper-round
RUN useradd --system --uid 1000 --user-group --home-dir /nonexistent paper-round \
    && install -d -m 0700 -o 1000 -g 1000 /var/lib/paper-round
COPY --from=packages /opt/venv /opt/venv
WORKDIR /srv/paper-round
COPY . .
# Secrets and databases play no part in collecting static files.
RUN SECRET_KEY=- PAPER_ROUND_LINK_KEY=- DATABASE_URL=postgresql://localhost/none \
        python manage.py collectstatic --noinput --verbosity 0 \
    && python -m compileall -q newsletter subscribers
USER 1000:1000
VOLUME /var/lib/paper-round
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
    CMD ["python", "-m", "newsletter.probe"]
CMD ["gunicorn", "newsletter.wsgi", "--bind", "0.0.0.0:8000", "--worker-class", "gthread", \
     "--workers", "2", "--threads", "8", "--worker-tmp-dir", "/dev/shm", "--no-control-socket", \
     "--logger-class", "newsletter.weblog.WebLog", "--access-logfile", "-"]
