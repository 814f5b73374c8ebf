// Every client in a real browser against a running mesh.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { chromium } from "playwright-core";

import { startMesh } from "./support/mesh.js";
import { servePage } from "./support/pages.js";

const ALL = [
  "connect-web over gRPC-Web",
  "grpc-web in text",
  "grpc-web in binary",
  "connect-web over Connect with JSON",
  "connect-web over Connect with protobuf",
];
const WITH_STREAMS = ["connect-web over gRPC-Web", "grpc-web in text"];
const NO_SUCH_ORDER = "0199c0de-0000-7000-8000-000000000000";

// The numbers of gRPC statuses.
const CANCELLED = 1;
const INVALID_ARGUMENT = 3;
const NOT_FOUND = 5;
const UNAUTHENTICATED = 16;

let mesh, browser, allowed, refused, page, token;

before(async () => {
  [allowed, refused] = await Promise.all([servePage(), servePage()]);
  mesh = await startMesh(process.env.BOJAGI, [allowed.origin]);
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    // prettier-ignore
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  page = await open(allowed.origin);
  const { email, password } = mesh.customer;
  ({ answer: token } = await step("connect-web over gRPC-Web", "signIn", email, password));
  assert.ok(token, "the demo customer can sign in");
});

after(async () => {
  await browser?.close();
  await mesh?.stop();
  allowed?.close();
  refused?.close();
});

async function open(origin) {
  const page = await browser.newPage();
  await page.goto(origin);
  return page;
}

/** Takes a step of `src/page.ts` with a client, on a page. */
function step(client, name, ...given) {
  return stepOn(page, client, name, ...given);
}

function stepOn(page, client, name, ...given) {
  const taken = [mesh.address, client, name, given];
  return page.evaluate(([gateway, client, name, given]) => new Steps(gateway, client)[name](...given), taken);
}

test("the page has all of the clients", async () => {
  assert.deepEqual(await page.evaluate(() => clients), ALL);
});

for (const client of ALL) {
  describe(client, () => {
    test("a unary call is answered", async () => {
      const { answer } = await step(client, "search", "tea");
      assert.ok(answer.length > 0 && answer.every((name) => typeof name === "string"), String(answer));
    });

    test("a refusal is told with its code, its sentence and its reason", async () => {
      const refusal = await step(client, "getOrder", NO_SUCH_ORDER, token);
      assert.equal(refusal.code, NOT_FOUND);
      assert.equal(refusal.reason, "ORDER_NOT_FOUND");
      assert.match(refusal.message, /\S/);
    });

    test("every field that is wrong is named", async () => {
      const refusal = await step(client, "placeNothing", token);
      assert.deepEqual([refusal.code, refusal.reason], [INVALID_ARGUMENT, "INVALID_ARGUMENT"]);
      assert.ok(refusal.fields.includes("request_id") && refusal.fields.includes("lines"), String(refusal.fields));
    });

    test("an expired token is told to be one", async () => {
      const refusal = await step(client, "getOrder", NO_SUCH_ORDER, await mesh.expired(token));
      assert.deepEqual([refusal.code, refusal.reason], [UNAUTHENTICATED, "TOKEN_EXPIRED"]);
      assert.equal(refusal.message, "the token has expired");
    });

    test("no token is told to be missing", async () => {
      const refusal = await step(client, "getOrder", NO_SUCH_ORDER);
      assert.deepEqual([refusal.code, refusal.reason], [UNAUTHENTICATED, "TOKEN_MISSING"]);
    });

    test("a page of another origin gets nothing", async () => {
      const foreign = await open(refused.origin);
      const complaint = foreign.waitForEvent("console", (message) => /blocked by CORS policy/.test(message.text()));
      const [outcome] = await Promise.all([stepOn(foreign, client, "search", "tea"), complaint]);
      assert.equal(outcome.answer, undefined);
      await foreign.close();
    });
  });
}

for (const client of WITH_STREAMS) {
  describe(`streams of ${client}`, () => {
    test("every state of an order arrives, and then the end", async () => {
      const { answer: order } = await step(client, "placeOrder", token);
      const { answer: states } = await step(client, "watchAndCancelOrder", order, token);
      assert.equal(states[0], "CONFIRMED");
      assert.equal(states.at(-1), "CANCELLED");
    });

    test("a stream that is refused tells why", async () => {
      const refusal = await step(client, "watchAndLeave", NO_SUCH_ORDER, token);
      assert.deepEqual([refusal.code, refusal.reason], [NOT_FOUND, "ORDER_NOT_FOUND"]);
    });

    test("who goes away ends the call at the service", async () => {
      const { answer: order } = await step(client, "placeOrder", token);
      const seen = mesh.countLogged((line) => isCancelledWatch(line)) + 1;
      assert.equal((await step(client, "watchAndLeave", order, token)).code, CANCELLED);
      await mesh.logged(isCancelledWatch, seen);
      assert.equal((await step(client, "cancelOrder", order, token)).answer, "cancelled");
    });
  });
}

function isCancelledWatch(line) {
  return line.method === "/bojagi.order.v1.OrderService/WatchOrder" && line.status === "CANCELLED";
}

describe("fetch with JSON", () => {
  const fetchJson = (...given) =>
    page.evaluate((given) => window.fetchJson(...given), [mesh.address, ...given]);

  test("a call is answered with the JSON of its message", async () => {
    const answer = await fetchJson("/bojagi.item.v1.CatalogService/SearchItems", { keyword: "tea", pageSize: 1 });
    assert.equal(answer.status, 200);
    const [item] = answer.body.items;
    assert.match(item.lowestPrice.minorUnits, /^\d+$/, "64 bits are text");
    assert.match(item.createdAt, /^\d{4}-\d\d-\d\dT/);
  });

  test("a field that does not exist is refused by name", async () => {
    const { status, body } = await fetchJson("/bojagi.item.v1.CatalogService/SearchItems", { keywords: "tea" });
    assert.deepEqual([status, body.code], [400, "invalid_argument"]);
    assert.match(body.message, /keywords/);
  });

  test("an expired token is told with a challenge that the page can read", async () => {
    const path = "/bojagi.order.v1.OrderService/GetOrder";
    const refusal = await fetchJson(path, { orderId: NO_SUCH_ORDER }, await mesh.expired(token));
    assert.deepEqual([refusal.status, refusal.body.code], [401, "unauthenticated"]);
    assert.match(refusal.challenge, /error_description="the token has expired"/);
    assert.equal(refusal.body.details[0].debug.reason, "TOKEN_EXPIRED");
  });

  test("the description of the API names the method", async () => {
    const description = await page.evaluate((url) => fetch(url).then((answer) => answer.json()), `${mesh.address}/openapi.json`);
    const { post } = description.paths["/bojagi.order.v1.OrderService/PlaceOrder"];
    assert.deepEqual(post.security, [{ bearer: ["customer"] }]);
  });
});
