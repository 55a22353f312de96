# docker build -t gmbench . && docker run --rm gmbench
FROM python:3.12-slim
RUN apt-get update \
 && apt-get install --yes --no-install-recommends make \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /gmbench
COPY . .
RUN make .venv/.installed
CMD ["make", "demo"]
