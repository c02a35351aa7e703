# syntax=docker/dockerfile:1

# The pipeline's two processes, gateway and worker, in one image: Node runs the TypeScript sources as they are.
FROM node:24.21.0-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts

FROM node:24.21.0-bookworm-slim AS pipeline
ENV NODE_ENV=production
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY package.json ./
COPY workflows workflows
COPY activities activities
COPY src src
COPY deploy/healthcheck.mjs deploy/healthcheck.mjs
USER node
ENTRYPOINT ["node"]
CMD ["src/gateway/main.ts"]

# The stand-ins, for a stack without a cloud account. Not for production.
FROM node:24.21.0-bookworm-slim AS local-cloud
RUN apt-get update && apt-get install --yes --no-install-recommends python3 python3-venv && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY . .
RUN mkdir /state && chown -R node:node /app /state
USER node
RUN npm run setup
VOLUME /state
ENTRYPOINT ["node"]
CMD ["local/up.ts"]
