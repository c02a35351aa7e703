# syntax=docker/dockerfile:1

# The pipeline's two processes, gateway and worker, in one image. It holds compiled JavaScript and the workflows in one
# bundle, so that neither types are stripped nor workflows bundled at a start (docs/decisions.md).

# docs/own-project.md has the command that finds the digest to put behind it.
ARG NODE_IMAGE=node:24.21.0-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.image.json ./
COPY workflows workflows
COPY activities activities
COPY src src
RUN node_modules/.bin/tsc --project tsconfig.image.json
RUN node dist/src/worker/build-workflow-bundle.js dist/workflow-bundle.js

FROM ${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts

FROM ${NODE_IMAGE} AS pipeline
# Node brings its own authorities; the part of the worker that speaks to Temporal, which is not written in JavaScript,
# trusts the system's. Nothing is installed at run time, so the package managers go.
RUN apt-get update && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* /usr/local/lib/node_modules /opt/yarn-* \
    && rm -f /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /usr/local/bin/yarn /usr/local/bin/yarnpkg
ENV NODE_ENV=production NODE_OPTIONS="--enable-source-maps --max-semi-space-size=16" WORKFLOW_BUNDLE=/app/dist/workflow-bundle.js
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY package.json ./
COPY --from=build /app/dist dist
COPY spark/spark_avg_speed.py dist/spark/spark_avg_speed.py
COPY deploy/healthcheck.mjs deploy/healthcheck.mjs
# The user `node`, who owns none of these files. By number, so that Kubernetes can see that it is not root.
USER 1000:1000
ENTRYPOINT ["node"]
CMD ["dist/src/gateway/main.js"]

# The stand-ins, for a stack without a cloud account. Not for production.
FROM ${NODE_IMAGE} AS local-cloud
RUN apt-get update && apt-get install --yes --no-install-recommends python3 python3-venv && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY . .
RUN mkdir /state && chown -R node:node /app /state
USER node
RUN npm run setup
VOLUME /state
ENTRYPOINT ["node"]
CMD ["local/up.ts"]
