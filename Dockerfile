# The program alone: no sandbox, no compiler, not root.
FROM python:3.13-slim AS build
WORKDIR /src
COPY requirements/run.txt requirements/run.txt
RUN python -m venv /opt/incident && /opt/incident/bin/pip install --no-cache-dir --require-hashes -r requirements/run.txt
COPY pyproject.toml README.md ./
COPY bot bot
COPY handlers handlers
COPY playbooks playbooks
RUN /opt/incident/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.13-slim
RUN useradd --uid 10001 --create-home incident && install -d -o incident /var/lib/incident
COPY --from=build /opt/incident /opt/incident
USER 10001
ENV PATH=/opt/incident/bin:$PATH PYTHONUNBUFFERED=1 HOST=0.0.0.0 STATE_DIR=/var/lib/incident \
    CATALOGUE=/etc/incident/catalogue.yaml
VOLUME /var/lib/incident
EXPOSE 8080
HEALTHCHECK --interval=15s --timeout=3s CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/healthz', timeout=2)"]
ENTRYPOINT ["incident"]
CMD ["serve"]
