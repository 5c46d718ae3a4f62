// signer.js sign|connect: aws-msk-iam-sasl-signer-js (tests/interop/README.md).
"use strict";

const { readFileSync } = require("node:fs");
const { generateAuthTokenFromCredentialsProvider } = require("aws-msk-iam-sasl-signer-js");
const { Kafka, logLevel } = require("kafkajs");

const makeToken = (request) =>
  generateAuthTokenFromCredentialsProvider({
    region: request.region,
    awsCredentialsProvider: async () => ({
      accessKeyId: request.access_key_id,
      secretAccessKey: request.secret_access_key,
      sessionToken: request.session_token ?? undefined,
    }),
  });

const print = (answer) => console.log(JSON.stringify(answer));

async function sign(text) {
  for (const line of text.split("\n").filter(Boolean)) {
    const { token, expiryTime } = await makeToken(JSON.parse(line));
    print({ token, expires_at_ms: expiryTime });
  }
}

async function connect(request) {
  const admin = new Kafka({
    brokers: request.bootstrap_servers.split(","),
    ssl: { ca: readFileSync(request.ca_file, "utf8") },
    sasl: {
      mechanism: "oauthbearer",
      oauthBearerProvider: async () => ({ value: (await makeToken(request)).token }),
    },
    connectionTimeout: 20000,
    retry: { retries: 0 },
    logLevel: logLevel.NOTHING,
  }).admin();

  try {
    await admin.connect();
    await admin.describeCluster();
    print({ error: null });
  } catch (error) {
    print({ error: error.message });
  } finally {
    await admin.disconnect();
  }
}

const text = readFileSync(0, "utf8");
const done = process.argv[2] === "sign" ? sign(text) : connect(JSON.parse(text));
done.catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
