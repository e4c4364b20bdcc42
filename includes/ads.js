// What the advertising networks have in common: their names, how long they restate, devices, and metrics.

const { ratio } = require("./ratios");

/** How many days back each network restates; the windows in ingest/*_ads.yaml look back as far. */
const lookbackDays = { google: 30, meta: 28, tiktok: 30, linkedin: 30 };
const platforms = Object.keys(lookbackDays);

/** Networks whose reports by ad do not say in which ad group it is. */
const withoutAdGroups = ["linkedin"];

/** The networks in use: all, unless the project variable `ads_networks` names some (`google,meta`). */
function networks(vars) {
  const named = vars?.ads_networks?.split(/[\s,]+/) ?? platforms;
  const unknown = named.find((name) => !platforms.includes(name));
  if (unknown !== undefined) throw new Error(`vars.ads_networks: unknown "${unknown}", known: ${platforms.join(", ")}`);
  return named;
}

/** All rows of the relations that `relation` names for the networks in use. */
function all(vars, relation) {
  return networks(vars)
    .map((name) => `select * from ${relation(name)} as ${name}`)
    .join("\n  union all\n  ");
}

/** What stands for an entity that a network did not name. */
const UNKNOWN = "(unknown)";

/** Our devices, and the networks' words for them in lower case. */
const deviceWords = {
  mobile: ["mobile", "iphone", "ipod", "android_smartphone", "android"],
  tablet: ["tablet", "ipad", "android_tablet"],
  desktop: ["desktop", "pc"],
  connected_tv: ["connected_tv", "tv"],
  other: ["other"],
  unknown: ["unknown", "unspecified", ""],
};
const devices = Object.keys(deviceWords);

const quoted = (texts) => texts.map((text) => `'${text.replaceAll("'", "''")}'`).join(", ");

/** The device of a network's word for it; `unknown` for a word that is not mapped. */
function device(column) {
  const cases = Object.entries(deviceWords).map(
    ([name, words]) => `when lower(${column}) in (${quoted(words)}) then '${name}'`,
  );
  return `case ${cases.join(" ")} else 'unknown' end`;
}

/** True for a word that is not mapped. */
function isUnmapped(column) {
  return `coalesce(lower(${column}), '') not in (${quoted(Object.values(deviceWords).flat())})`;
}

/**
 * Meta's kinds of action that count as a conversion. Kinds overlap (a purchase is told as `purchase`, as
 * `omni_purchase` and by its pixel), so only those in the project variable `ads_meta_conversions` are added up.
 */
function metaConversions(vars) {
  const kinds = (vars?.ads_meta_conversions ?? "offsite_conversion.fb_pixel_purchase,onsite_conversion.purchase").split(
    /[\s,]+/,
  );
  if (kinds.some((kind) => !/^[\w.]+$/.test(kind))) {
    throw new Error(
      `vars.ads_meta_conversions must be kinds of action between commas or spaces, got "${vars.ads_meta_conversions}"`,
    );
  }
  return kinds;
}

/** The sum of a list of Meta's actions over the kinds that count. Meta sends no list where nothing was counted: 0. */
function metaSum(column, vars) {
  return `coalesce((
      select sum((action ->> 'value')::numeric)
      from jsonb_array_elements(case when jsonb_typeof(${column}) = 'array' then ${column} else '[]' end) as actions (action)
      where action ->> 'action_type' in (${quoted(metaConversions(vars))})
    ), 0)`;
}

/** The currency of reports: the project variable `ads_currency`, USD unless set. */
function reportingCurrency(vars) {
  const currency = vars?.ads_currency ?? "USD";
  if (!/^[A-Z]{3}$/.test(currency))
    throw new Error(`vars.ads_currency must be an ISO 4217 code such as USD, got "${currency}"`);
  return currency;
}

/** Sums of the measures. A sum in the reporting currency is NULL where a rate is missing: a part of it would look like all. */
function sums(facts) {
  const converted = (column) =>
    `case when count(${facts}.${column}) = count(${facts}.${column}_reporting) then sum(${facts}.${column}_reporting) end as ${column}_reporting`;
  return `sum(${facts}.spend) as spend,
    ${converted("spend")},
    sum(${facts}.impressions)::bigint as impressions,
    sum(${facts}.clicks)::bigint as clicks,
    sum(${facts}.conversions) as conversions,
    sum(${facts}.conversion_value) as conversion_value,
    ${converted("conversion_value")},
    bool_or(${facts}.conversions is null) as has_unmeasured`;
}

const measures = [
  "spend",
  "spend_reporting",
  "impressions",
  "clicks",
  "conversions",
  "conversion_value",
  "conversion_value_reporting",
  "has_unmeasured",
];

/** The ratios, each a sum over a sum at the grain of `totals`, and NULL where there is nothing to divide by. */
function metrics(totals) {
  const of = (numerator, denominator, name) => `${ratio(`${numerator}`, `${totals}.${denominator}`)} as ${name}`;
  return [
    of(`${totals}.clicks`, "impressions", "ctr"),
    of(`${totals}.conversions`, "clicks", "conversion_rate"),
    of(`${totals}.spend`, "clicks", "cost_per_click"),
    of(`1000 * ${totals}.spend`, "impressions", "cost_per_mille"),
    of(`${totals}.spend`, "conversions", "spend_per_conversion"),
    of(`${totals}.conversion_value`, "spend", "roas"),
    of(`${totals}.conversions`, "spend_reporting", "conversions_per_dollar"),
  ].join(",\n    ");
}

const metricNames = [
  "ctr",
  "conversion_rate",
  "cost_per_click",
  "cost_per_mille",
  "spend_per_conversion",
  "roas",
  "conversions_per_dollar",
];

/** The columns of a relation, each on a line: `columns("totals", ads.measures)`. */
function columns(relation, names) {
  return names.map((name) => `${relation}.${name}`).join(",\n    ");
}

/** The last moment of a day in a time zone; the day may have 23 or 25 hours. */
function endOfDay(day, zone) {
  return `((${day} + 1)::timestamp at time zone ${zone} - interval '1 microsecond')`;
}

module.exports = {
  UNKNOWN,
  all,
  columns,
  device,
  devices,
  endOfDay,
  isUnmapped,
  lookbackDays,
  measures,
  metaSum,
  metricNames,
  metrics,
  networks,
  platforms,
  quoted,
  reportingCurrency,
  sums,
  withoutAdGroups,
};
