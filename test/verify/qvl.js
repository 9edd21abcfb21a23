// The verdict of dcap-qvl, which shares nothing with the product: one JSON object a line in,
// {"quote": hex, "collateral": {...}, "root": hex of DER, "at": seconds}; one a line out,
// {"status": "UpToDate"} or {"error": "..."}.
'use strict';
const readline = require('readline');
const { QuoteVerifier } = require(process.argv[2] + '/node_modules/@phala/dcap-qvl');

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const { quote, collateral, root, at } = JSON.parse(line);
  let verdict;
  try {
    const verifier = QuoteVerifier.newWithRootCa(Buffer.from(root, 'hex'));
    const report = verifier.verify(Buffer.from(quote, 'hex'), collateral, at);
    verdict = { status: report.status, advisories: report.advisory_ids };
  } catch (error) {
    const cause = error.cause ? `: ${error.cause.message}` : '';
    verdict = { error: `${error.message}${cause}` };
  }
  process.stdout.write(JSON.stringify(verdict) + '\n');
});
