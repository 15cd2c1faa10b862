# docker build -t qcaleval .
# docker run --rm --network host -v "$PWD/runs:/work/runs" qcaleval --model-url http://localhost:8000/v1 --model my-vlm
FROM python:3.12-slim AS build
WORKDIR /src
COPY . .
RUN pip install --no-cache-dir build==1.3.0 && python -m build --wheel --outdir /dist

FROM python:3.12-slim
COPY --from=build /dist/*.whl /tmp/
RUN pip install --no-cache-dir /tmp/*.whl && rm /tmp/*.whl && useradd --create-home --uid 1000 qcaleval \
    && mkdir -p /work/runs /cache && chown qcaleval /work /work/runs /cache && chmod 1777 /cache /work /work/runs
ENV QCAL_CACHE_DIR=/cache/qcaleval \
    HF_HOME=/cache/huggingface
USER 1000
WORKDIR /work
ENTRYPOINT ["python", "-m", "pytest"]
CMD ["test_qcaleval", "--help"]
