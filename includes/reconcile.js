module.exports = require("dataform-postgres/includes/reconcile");
