// The words of the product: which networks there are, which of them a project uses, and what it sets of them.

const vars = require("./vars");

const platforms = ["google", "meta", "tiktok", "linkedin"];

/** The networks in use: all, unless the project variable `ads_networks` names some (`google,meta`). */
const networks = () => vars.list("ads_networks", { default: platforms.join(","), known: platforms });

/** Whether a network is in use. */
const isUsed = (platform) => networks().includes(platform);

/** The staging views of one kind of all networks in use: `ads.staged(ref, "campaigns")`. */
const staged = (ref, kind) => networks().map((network) => ref(`stg_ads__${network}_${kind}`));

/**
 * Meta's kinds of action that count as a conversion, as SQL texts. Kinds overlap (a purchase is told as `purchase`, as
 * `omni_purchase` and by its pixel), so only those in the project variable `ads_meta_conversions` are added up.
 */
const metaConversions = () =>
  vars.texts("ads_meta_conversions", {
    default: "offsite_conversion.fb_pixel_purchase,onsite_conversion.purchase",
    matches: /[\w.]+/,
    expected: "kinds of action between commas or spaces",
  });

/** The currency of reports as an SQL text: the project variable `ads_currency`, USD unless set. */
const reportingCurrency = () =>
  vars.text("ads_currency", { default: "USD", matches: /[A-Z]{3}/, expected: "an ISO 4217 code such as USD" });

module.exports = { isUsed, metaConversions, platforms, reportingCurrency, staged };
