// mint.js: what a token costs with aws-msk-iam-sasl-signer-js (README.md beside this).
"use strict";

const PEER = "aws-msk-iam-sasl-signer-js";
const { readFileSync } = require("node:fs");
const { dirname, join } = require("node:path");
const { generateAuthTokenFromCredentialsProvider } = require(PEER);

const WARM_UP_NS = 2e9;
const ROUND_NS = 20e6;
const ROUNDS = 15;
const BATCH = 20; // tokens between two looks at the clock

// The session token that all programs have.
function makeSession() {
  const begin = "IQoJb3JpZ2luX2VjEJv//////////wEa";
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  let x = 2463534242;
  let session = "";

  for (let i = 0; i < 700; i++) {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    session += i < begin.length ? begin[i] : letters[x >>> 26];
  }

  return session;
}

// ns per token, for as long as that.
async function measure(options, session, budgetNs) {
  let count = 0;
  let elapsedNs = 0;
  let token;
  const from = process.hrtime.bigint();

  while (elapsedNs < budgetNs) {
    for (let i = 0; i < BATCH; i++) {
      ({ token } = await generateAuthTokenFromCredentialsProvider(options));
    }
    count += BATCH;
    elapsedNs = Number(process.hrtime.bigint() - from);
  }

  const url = Buffer.from(token, "base64url").toString();
  if (
    !url.includes(`X-Amz-Security-Token=${encodeURIComponent(session)}&`) ||
    !url.includes("X-Amz-Signature=")
  ) {
    throw new Error("mint.js: not the token that was asked for");
  }

  return elapsedNs / count;
}

function version() {
  const path = join(dirname(require.resolve(PEER)), "..", "package.json");
  return JSON.parse(readFileSync(path, "utf8")).version;
}

async function main() {
  const session = makeSession();
  const credentials = {
    accessKeyId: "ASIAIOSFODNN7EXAMPLE",
    secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    sessionToken: session,
  };
  const options = { region: "eu-west-1", awsCredentialsProvider: async () => credentials };
  const rounds = [];

  await measure(options, session, WARM_UP_NS);
  for (let i = 0; i < ROUNDS; i++) {
    rounds.push(await measure(options, session, ROUND_NS));
  }
  rounds.sort((a, b) => a - b);
  const ns = Number(rounds[(ROUNDS - 1) / 2].toFixed(1));
  console.log(
    JSON.stringify({ peer: PEER, version: version(), language: "javascript", case: "mint", ns }),
  );
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
