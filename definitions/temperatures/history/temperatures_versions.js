// Every version of every reading that was corrected (SCD2). A reading that was sent once is its only version.
scd2.publish("temperatures_versions", {
  from: { schema: "history", name: "temperatures_sent_again" },
  schema: "history",
  tags: ["temperatures"],
  description: "Every version of every reading that was sent more than once (SCD2), by when it was known.",
  key: "reading_id",
  attributes: {
    country: "text",
    latitude: "numeric",
    longitude: "numeric",
    temperature: "numeric",
    measured_at: "timestamptz",
  },
  batches: { ledger: { schema: "history", name: "temperatures_sent_again_loads" } },
});
