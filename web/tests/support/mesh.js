// A mesh of its own for the tests: temporary data, a free port, the sample shop.

import { execFile, spawn } from "node:child_process";
import { createPrivateKey, sign } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

/** How long something that should happen at once is waited for. */
const PATIENCE_MS = 20_000;

/** What stands before the 32 bytes of an Ed25519 key in PKCS #8 (RFC 8410). */
const PKCS8_OF_ED25519 = Buffer.from("302e020100300506032b657004220420", "hex");

/** Starts the mesh; pages of `origins` may call it. */
export async function startMesh(binary, origins) {
  const folder = await mkdtemp(join(tmpdir(), "bojagi-web-"));
  const config = join(folder, "mesh.toml");
  await writeFile(
    config,
    `[mesh]\nlog = "warn,bojagi_gateway=info"\nlog_format = "json"\n\n[gateway.cors]\nallowed_origins = ${JSON.stringify(origins)}\n`,
  );
  const data = join(folder, "data");
  const mesh = spawn(binary, ["up", "--listen", "127.0.0.1:0", "--data", data, "--config", config], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const log = [];
  const waiting = new Set();
  createInterface({ input: mesh.stderr }).on("line", (line) => {
    log.push(line);
    waiting.forEach((look) => look());
  });
  const address = await untilReady(mesh, log);
  const accounts = await readFile(join(data, "demo-accounts.txt"), "utf8");
  const [, email, password] = /^\s*customer\s+(\S+)\s+(\S+)/m.exec(accounts);

  return {
    address,
    customer: { email, password },
    expired: (token) => expired(token, join(data, "user.sqlite")),
    /** How many lines of the access log fit so far. */
    countLogged: (fits) => log.filter((line) => isCall(line, fits)).length,
    /** Waits until so many lines of the access log fit. */
    logged: (fits, count) =>
      new Promise((resolve, reject) => {
        const giveUp = setTimeout(() => {
          waiting.delete(look);
          reject(new Error("the access log never said so"));
        }, PATIENCE_MS);
        const look = () => {
          if (log.filter((line) => isCall(line, fits)).length < count) return;
          clearTimeout(giveUp);
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    async stop() {
      const ended = new Promise((resolve) => mesh.once("exit", resolve));
      mesh.kill("SIGTERM");
      await ended;
      await rm(folder, { recursive: true });
    },
  };
}

/** Waits until the sample shop is there, and answers the address of the gateway. */
function untilReady(mesh, log) {
  return new Promise((resolve, reject) => {
    let address;
    createInterface({ input: mesh.stdout }).on("line", (line) => {
      address ??= /gateway\s+(http:\S+)/.exec(line)?.[1];
      if (line.startsWith("Ctrl-C")) resolve(address);
    });
    mesh.once("error", reject);
    mesh.once("exit", (code) => reject(new Error(`bojagi ended with ${code}\n${log.join("\n")}`)));
  });
}

function isCall(line, fits) {
  if (!line.includes('"call ended"')) return false;
  return fits(JSON.parse(line));
}

/** The same token as it would have been an hour ago, signed with the mesh's own key. */
async function expired(token, users) {
  const [header, claims] = token.split(".");
  const { kid } = JSON.parse(Buffer.from(header, "base64url"));
  const old = JSON.parse(Buffer.from(claims, "base64url"));
  old.iat -= 7200;
  old.exp -= 7200;
  // Python has SQLite in its standard library.
  const query = "import sqlite3,sys; print(sqlite3.connect(sys.argv[1]).execute('SELECT seed FROM signing_key WHERE kid = ?', sys.argv[2:]).fetchone()[0].hex())";
  const { stdout } = await promisify(execFile)("python3", ["-c", query, users, kid]);
  const der = Buffer.concat([PKCS8_OF_ED25519, Buffer.from(stdout.trim(), "hex")]);
  const signed = `${header}.${Buffer.from(JSON.stringify(old)).toString("base64url")}`;
  const key = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  return `${signed}.${sign(null, Buffer.from(signed), key).toString("base64url")}`;
}
