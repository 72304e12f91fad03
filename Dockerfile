# docker-compose.yml names the stage each service is made of. Here: one image for web, liaison door,
# workers, dispatcher and migrations.
FROM python:3.11-slim-bookworm AS app

ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PIP_DISABLE_PIP_VERSION_CHECK=1

# Pango draws the PDFs; the fonts are those that exports and pictures name. gettext compiles texts.
# The backup needs pg_dump of the server's release or a later one; Debian itself has an older one.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends \
        libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 \
        fonts-dejavu-core fonts-inter fonts-noto-core fonts-noto-cjk gettext \
        ca-certificates postgresql-common \
    && /usr/share/postgresql-common/pgdg/apt.postgresql.org.sh -y \
    && apt-get install --yes --no-install-recommends postgresql-client-16 \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /app
COPY .ci/requirements.lock .ci/requirements.lock
RUN pip install --no-cache-dir --require-hashes --only-binary :all: -r .ci/requirements.lock

RUN groupadd --gid 10001 fiu \
    && useradd --uid 10001 --gid fiu --no-create-home --home-dir /state --shell /usr/sbin/nologin fiu \
    && install -d -o fiu -g fiu -m 700 /state /state/files /state/uploads /backups /checkpoints

COPY . .

# The code belongs to root and runs as somebody else. Static files are collected and compressed
# here, once; the state folder of this step and its key are thrown away.
ENV FIU_STATIC_ROOT=/app/static
RUN python -m compileall -q fiu cases tracing \
    && find . -name '*.po' -exec sh -c 'msgfmt --check -o "${0%po}mo" "$0"' {} \; \
    && FIU_HOME=/tmp/build python manage.py collectstatic --no-input --verbosity 0 \
    && rm -rf /tmp/build \
    && chmod -R a+rX /app

USER fiu
ENV FIU_HOME=/state
EXPOSE 8000
CMD ["gunicorn", "fiu.wsgi:application", "--bind=0.0.0.0:8000"]

# The same with the packages of whole-ledger jobs: the service `compute` of the profile `spark`.
# Spark's client comes as source; all else is taken as built.
FROM app AS scale
USER root
COPY .ci/requirements-scale.lock .ci/requirements-scale.lock
RUN pip install --no-cache-dir --require-hashes --no-deps \
        --only-binary :all: --no-binary pyspark-client -r .ci/requirements-scale.lock
USER fiu
ENTRYPOINT ["python", "manage.py", "compute"]
CMD ["--help"]

# Apache Spark on Debian's Java machine, which answers Spark Connect and nothing else. It works as
# the user who owns the ledgers, and only reads them.
FROM python:3.11-slim-bookworm AS spark
RUN apt-get update \
    && apt-get install --yes --no-install-recommends openjdk-17-jre-headless procps \
    && rm -rf /var/lib/apt/lists/*
COPY requirements-spark.txt .
RUN pip install --no-cache-dir -r requirements-spark.txt \
    && install -d -o 10001 -g 10001 -m 700 /warehouse
ENV SPARK_HOME=/usr/local/lib/python3.11/site-packages/pyspark
WORKDIR /warehouse
USER 10001
EXPOSE 15002
CMD ["sh", "-c", "exec $SPARK_HOME/bin/spark-submit \
    --class org.apache.spark.sql.connect.service.SparkConnectServer --master 'local[*]' \
    --driver-memory \"${SPARK_MEMORY:-8g}\" --conf spark.ui.enabled=false \
    --conf spark.sql.warehouse.dir=/warehouse/tables --conf spark.local.dir=/warehouse/scratch \
    --conf spark.connect.grpc.binding.address=0.0.0.0 spark-internal"]
