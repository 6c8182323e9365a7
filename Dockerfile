# Regulars in a container. Without DATABASE_URL the embedded database lives in the volume /data.

FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
# No package in production needs an install script. Our own script (prisma generate) is for the build only, and its
# result is compiled into dist. Production does not need prisma and tsx, nor what only their programs, compilers and
# editors read: peers of Prisma, query compilers of other databases, Square's older client, OpenTelemetry built for
# browsers, maps and types.
RUN npm ci --omit=dev --ignore-scripts \
  && npm uninstall --omit=dev --no-save --ignore-scripts prisma tsx \
  && cd node_modules \
  && rm -rf typescript react react-dom scheduler @types square-legacy @opentelemetry/*/build/esm @opentelemetry/*/build/esnext \
  && find @prisma/client/runtime -name 'query_compiler*' ! -name '*postgresql*' -delete \
  && find . -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' -o -name '*.md' \) -delete

FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY prisma.config.ts tsconfig.json tsconfig.build.json ./
COPY prisma prisma
RUN npx prisma generate
COPY handlers handlers
COPY src src
RUN npm run build

FROM node:24-bookworm-slim
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000 DATA_DIR=/data
WORKDIR /app
COPY package.json LICENSE ./
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /app/dist dist
# The server applies the migrations at start.
COPY prisma prisma
RUN mkdir /data && chown node:node /data
VOLUME /data
USER node
EXPOSE 3000
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.PORT + '/healthz').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# Node is process 1 and gets the signals. On SIGTERM the server finishes its work, closes the database and exits 0.
STOPSIGNAL SIGTERM
CMD ["node", "dist/src/main.js", "serve"]
