import type { FastifyInstance } from "fastify";

/** Of routes whose path says all: a body of any media type, or a media type without a body, is let pass and not read. */
export function ignoreBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, _body, done) => done(null, undefined));
}
