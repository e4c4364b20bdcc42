// The words of the product: what a project sets of it (docs/products/marketing.md).

const vars = require("./vars");

/** The time zone of accounts that name none, as SQL. */
function timeZone() {
  return vars.text("marketing_time_zone", { default: "UTC", expected: "a time zone such as Europe/Berlin" });
}

/** The words of the source for a campaign that runs, in lower case, as SQL texts. */
function activeStatuses() {
  return vars.texts("marketing_active_statuses", {
    default: "active,enabled,running",
    matches: /[\w-]+/,
    expected: "words of the source for a running campaign, in lower case, between commas or spaces",
  });
}

module.exports = { activeStatuses, timeZone };
