// Our records against the bank's entries, what to correct, and our records as corrected: docs/products/reconciliation.md.
const bank = reconcile.publish("bank", {
  schema: "reconciliation",
  tags: ["reconciliation"],
  ours: ["history", "reconciliation_ours"],
  theirs: ["history", "reconciliation_theirs"],
  key: { account: ["text"], reference: ["text"] },
  columns: {
    amount: { kind: "money", currency: "currency" },
    currency: { kind: "text", normalize: ["trim", "upper"] },
    // a payment of Friday evening is booked on Monday
    booked_on: { kind: "date", days: 3 },
    // banks cut names and change their case; what for is for reading
    counterparty: { kind: "text", normalize: ["trim", "spaces", "upper"], blocking: false },
  },
  also: { ours: ["record_id", "key_source", "batch"], theirs: ["path", "statement_id", "key_source", "batch"] },
  // what we booked after the last statement may be what it told of, or is not due
  notDue: { ours: "not_due" },
  passes: [
    { name: "one reference", by: "key" },
    { name: "batch", by: "group", group: ["batch"], same: ["account"] },
    { name: "amount and day", by: "amount", same: ["account"], date: "booked_on", days: 3 },
    { name: "sum", by: "sum", same: ["account"], date: "booked_on", days: 3 },
  ],
});

publish("corrections", {
  type: "table",
  schema: "reconciliation",
  tags: ["reconciliation"],
  description: "Proposals that were decided, with the last decision, and how to apply it.",
  columns: {
    proposal_id: "The proposal.",
    account: "The account.",
    reference: "What the row is matched by.",
    column_name: "The column to correct; NULL where the whole row is.",
    our_value: "What we had.",
    their_value: "What they had.",
    proposed_action: "update, insert or investigate.",
    decision: "accept or reject.",
    decided_by: "Who decided.",
    decided_on: "When.",
    comment: "Why.",
    state:
      "accepted: still to be applied. applied: the difference is gone. superseded: the row or column differs otherwise now, which is a proposal of its own. rejected: to be left as it is.",
    apply_statement:
      "What applies it in our own system; NULL where there is nothing to apply, and where our record has no reference to name it by.",
  },
  assertions: { uniqueKey: ["proposal_id"], nonNull: ["proposal_id", "decision", "decided_by", "state"] },
}).query((ctx) =>
  bank.corrections({
    proposals: ctx.ref("reconciliation", "bank_proposals"),
    decisions: ctx.ref("history", "reconciliation_decided"),
    ours: ctx.ref("history", "reconciliation_ours"),
    stored: { account: "account_given", reference: "reference_given" },
    target: dataform.projectConfig.vars?.reconciliation_target ?? "ledger_payments",
    dialect: dataform.projectConfig.vars?.reconciliation_dialect,
  }),
);

publish("records_corrected", {
  type: "table",
  schema: "reconciliation",
  tags: ["reconciliation"],
  description: "Our records as they will be once the accepted corrections are applied.",
  columns: {
    account: "The account.",
    reference: "What the record is matched by.",
    record_id: "Identifier in our system; NULL for an added record.",
    key_source: "Where the reference is from; NULL for an added record.",
    batch: "The batch that the payment was ordered with; NULL for an added record.",
    not_due: "Why the bank could not have told of it yet; NULL where it could, and for an added record.",
    amount: "Signed: negative leaves the account.",
    currency: "Currency.",
    booked_on: "Booking day.",
    counterparty: "Who paid or was paid.",
    is_corrected: "Whether a value is other than in our system.",
    is_added: "Whether our system does not have it yet.",
  },
  // a key that our system has twice is here twice, until it is corrected there: see bank_duplicates
  assertions: { nonNull: ["account", "reference", "is_corrected", "is_added"] },
}).query((ctx) =>
  bank.corrected({
    ours: ctx.ref("history", "reconciliation_ours"),
    corrections: ctx.ref("reconciliation", "corrections"),
  }),
);
