import type { FastifyInstance } from "fastify";

/**
 * For routes that need no body. A body of any media type is accepted and not read. So is a media type without a body.
 */
export function ignoreBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, _body, done) => done(null, undefined));
}
