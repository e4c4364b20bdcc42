module.exports = require("dataform-postgres/includes/vars");
