FROM node:24-alpine AS builder
WORKDIR /build
COPY package.json package-lock.json ./
RUN --mount=type=cache,target=/root/.npm npm ci --no-audit --no-fund
COPY . .
RUN node build.mjs

FROM node:24-alpine
LABEL org.opencontainers.image.title="Stillup" \
      org.opencontainers.image.description="Uptime monitoring made of pure functions" \
      org.opencontainers.image.licenses="MIT"
# Nothing here installs packages.
RUN rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /opt/yarn*
ENV NODE_ENV=production HOST=0.0.0.0
WORKDIR /app
COPY --from=builder /build/dist ./
USER node
# The API; a worker's health and metrics.
EXPOSE 3000 9090
ENTRYPOINT ["node", "local/main.mjs"]
CMD ["api"]
