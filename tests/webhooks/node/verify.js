// Reads [{secret, headers, body}, …] and prints, for each, what the library makes of it: "ok" or its refusal.
const { Webhook } = require("standardwebhooks");

const cases = JSON.parse(require("fs").readFileSync(0, "utf8"));
const results = cases.map(({ secret, headers, body }) => {
  try {
    new Webhook(secret).verify(body, headers);
    return "ok";
  } catch (error) {
    return error.message;
  }
});
console.log(JSON.stringify(results));
