// A web server for the page, each on a port of its own and so an origin of its own.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";

const FILES = {
  "/": { file: new URL("../../page/index.html", import.meta.url), type: "text/html; charset=utf-8" },
  "/page.js": { file: new URL("../../dist/page.js", import.meta.url), type: "text/javascript; charset=utf-8" },
};

/** Serves the page until it is closed; `origin` is where. */
export async function servePage() {
  const server = createServer(async (request, response) => {
    const found = FILES[request.url];
    if (!found) return response.writeHead(404).end();
    response.writeHead(200, { "content-type": found.type }).end(await readFile(found.file));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { origin: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}
