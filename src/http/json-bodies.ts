import { isUtf8 } from "node:buffer";
import fp from "fastify-plugin";
import { InvalidParameter } from "../errors.js";

/**
 * Reads JSON in UTF-8 and no other bodies. Fastify by itself reads text/plain too, and replaces bytes that are not
 * UTF-8 by U+FFFD, which would be stored.
 */
export const jsonBodies = fp(async (app) => {
  app.removeContentTypeParser("text/plain");
  const parse = app.getDefaultJsonParser("error", "error");
  app.addContentTypeParser<Buffer>("application/json", { parseAs: "buffer" }, (request, bytes, done) => {
    if (!isUtf8(bytes)) return done(new InvalidParameter("body", "The body is not UTF-8."));
    parse(request, bytes.toString(), (error, body) =>
      done(error && new InvalidParameter("body", "The body is not JSON."), body),
    );
  });
});
