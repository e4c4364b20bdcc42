module.exports = require("dataform-postgres/includes/camt");
