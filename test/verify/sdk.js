// What @phala/dstack-sdk, with which apps talk to a guest agent, makes of one: its socket as argument,
// the report data (hex) behind it; one JSON object out.
'use strict';
const [modules, socket, reportData] = process.argv.slice(2);
const { DstackClient } = require(modules + '/node_modules/@phala/dstack-sdk');

async function main() {
  const client = new DstackClient(socket);
  const info = await client.info();
  const quote = await client.getQuote(Buffer.from(reportData, 'hex'));
  const key = await client.getKey('a/path', 'a purpose');
  const same = await client.getKey('a/path', 'another purpose');
  const other = await client.getKey('another/path', 'a purpose');
  let tooLong = '';
  try {
    await client.getQuote(Buffer.alloc(65));
  } catch (error) {
    tooLong = error.message;
  }
  const hex = (bytes) => Buffer.from(bytes).toString('hex');
  process.stdout.write(JSON.stringify({
    reachable: await client.isReachable(),
    info,
    quote: quote.quote,
    reportData: quote.report_data,
    replayed: quote.replayRtmrs(),
    keys: [key, same, other].map((made) => hex(made.key)),
    chain: key.signature_chain.map(hex),
    tooLong,
  }) + '\n');
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exitCode = 1;
});
